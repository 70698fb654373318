import type { KeptWindow } from '../kept-windows.ts';

/** What a record does to one window. */
export interface WindowChange {
  readonly start: number;
  /** The state to go on from; null: from the beginning. */
  readonly base: KeptWindow | null;
  readonly isNew: boolean;
  /** The record is in the window. */
  readonly isTaken: boolean;
}

/**
 * Which sliding windows a record changes or makes, given those that start between two differences before it and right behind it,
 * in order. A record has a left window, which ends at it, and a right one, which begins right behind it if something lies there.
 * A window has all records between its ends, so that a new one takes over the state of one that holds the same. Results and their
 * order are those of Kafka Streams (KIP-450), also where its windows have closed.
 */
export function changesOf(windows: readonly KeptWindow[], timestamp: number, differenceMs: number): WindowChange[] {
  return timestamp < differenceMs ? early(windows, timestamp) : changes(windows, timestamp, differenceMs);
}

function changes(windows: readonly KeptWindow[], timestamp: number, differenceMs: number): WindowChange[] {
  const found: WindowChange[] = [];
  /** The window that has what lies behind the record, and the one that has what lies before it. */
  let right: KeptWindow | null = null;
  let left: KeptWindow | null = null;
  let previous: number | null = null;
  let hasLeft = false;
  for (let at = windows.length - 1; at >= 0; at--) {
    const window = windows[at]!;
    const end = window.start + differenceMs;
    if (window.start > timestamp) continue;
    if (end < timestamp) {
      left = window;
      previous = window.last;
      break;
    }
    found.push(changed(window));
    if (end > timestamp) right ??= window;
    else {
      hasLeft = true;
      if (window.last >= timestamp) return found;
      previous = window.last;
    }
  }
  if (previous !== null && previous + 1 + differenceMs >= timestamp && !has(windows, previous + 1))
    found.push(made(previous + 1, null));
  if (!hasLeft) {
    const isEmpty = previous === null || previous < timestamp - differenceMs;
    found.push(made(timestamp - differenceMs, isEmpty ? null : left));
  }
  found.push(...behind(windows, timestamp, right));
  return found;
}

/** No window starts before 1970: what lies in the first difference shares the window that begins there. */
function early(windows: readonly KeptWindow[], timestamp: number): WindowChange[] {
  const first = windows[0]?.start === 0 ? windows[0] : null;
  const inside = windows.filter(({ start }) => start > 0 && start <= timestamp);
  const right = inside.at(-1) ?? (first !== null && first.last > timestamp ? first : null);
  const found = [...inside.map(changed), ...behind(windows, timestamp, right)];
  if (first !== null && first.last < timestamp && !has(windows, first.last + 1)) found.push(made(first.last + 1, null));
  found.push(first === null ? made(0, null) : changed(first));
  return found;
}

const changed = (window: KeptWindow): WindowChange => ({
  start: window.start,
  base: window,
  isNew: false,
  isTaken: true,
});
const made = (start: number, base: KeptWindow | null): WindowChange => ({ start, base, isNew: true, isTaken: true });

/** The record's right window, if it is not there and something lies in it. */
function behind(windows: readonly KeptWindow[], timestamp: number, right: KeptWindow | null): WindowChange[] {
  if (right === null || right.last <= timestamp || has(windows, timestamp + 1)) return [];
  return [{ start: timestamp + 1, base: right, isNew: true, isTaken: false }];
}

const has = (windows: readonly KeptWindow[], start: number): boolean => windows.some(window => window.start === start);
