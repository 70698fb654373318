import { partitionOf } from '../../src/records/murmur2.ts';
import type { Claim } from '../gen/bench/v1/claim.ts';
import { PARTITIONS } from '../lines/line.ts';

/** Of a claim what the results hang on. The list of all is in the order of their times. */
export interface KeyedClaim extends Pick<Claim, 'claimId' | 'policyId' | 'status'> {
  readonly timestampMs: number;
}

/** `key start end count` of each window whose end the time of its partition has reached. */
export function closedTumblingWindows(claims: readonly KeyedClaim[], sizeMs: number): string[] {
  const clocks = partitionClocks(claims);
  return [...timesByKey(claims)].flatMap(([key, times]) => {
    const counts = new Map<number, number>();
    for (const time of times) counts.set(time - (time % sizeMs), (counts.get(time - (time % sizeMs)) ?? 0) + 1);
    return [...counts]
      .filter(([start]) => start + sizeMs <= clocks[partitionOfKey(key)]!)
      .map(([start, count]) => `${key} ${start} ${start + sizeMs} ${count}`);
  });
}

/**
 * The same of sliding windows, both of whose ends count: one that ends at each claim, and one that begins right behind each if
 * another claim lies there. One is closed when time has passed its end.
 */
export function closedSlidingWindows(claims: readonly KeyedClaim[], differenceMs: number): string[] {
  const clocks = partitionClocks(claims);
  return [...timesByKey(claims)].flatMap(([key, times]) => {
    const starts = new Set(times.flatMap(time => [time - differenceMs, time + 1]));
    return [...starts].flatMap(start => {
      const end = start + differenceMs;
      const count = countBelow(times, end + 1) - countBelow(times, start);
      return count > 0 && end < clocks[partitionOfKey(key)]! ? [`${key} ${start} ${end} ${count}`] : [];
    });
  });
}

/** `open closed` for each two claims of a policy that lie no further apart, as ids. */
export function claimPairs(claims: readonly KeyedClaim[], differenceMs: number): string[] {
  return [...groupByKey(claims).values()].flatMap(ofKey => {
    const closed = ofKey.filter(({ status }) => status === 'CLOSED');
    const times = closed.map(({ timestampMs }) => timestampMs);
    return ofKey
      .filter(({ status }) => status === 'OPEN')
      .flatMap(({ claimId, timestampMs }) =>
        closed
          .slice(countBelow(times, timestampMs - differenceMs), countBelow(times, timestampMs + differenceMs + 1))
          .map(other => `${claimId} ${other.claimId}`),
      );
  });
}

/** The last time in each partition. */
function partitionClocks(claims: readonly KeyedClaim[]): number[] {
  const clocks = Array<number>(PARTITIONS).fill(0);
  for (const [key, times] of timesByKey(claims))
    clocks[partitionOfKey(key)] = Math.max(clocks[partitionOfKey(key)]!, times.at(-1)!);
  return clocks;
}

const partitionOfKey = (key: string): number => partitionOf(Buffer.from(key), PARTITIONS);

function timesByKey(claims: readonly KeyedClaim[]): Map<string, number[]> {
  return new Map([...groupByKey(claims)].map(([key, ofKey]) => [key, ofKey.map(({ timestampMs }) => timestampMs)]));
}

function groupByKey(claims: readonly KeyedClaim[]): Map<string, KeyedClaim[]> {
  const groups = new Map<string, KeyedClaim[]>();
  for (const claim of claims) {
    const group = groups.get(claim.policyId);
    if (group === undefined) groups.set(claim.policyId, [claim]);
    else group.push(claim);
  }
  return groups;
}

/** How many of these rising numbers are below `limit`. */
function countBelow(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
