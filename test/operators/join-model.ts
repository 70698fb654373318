/** A record of the model: its place in the input is its order of arrival. */
export interface ModelRecord {
  readonly side: 'left' | 'right';
  readonly key: string | null;
  readonly value: string;
  readonly timestamp: number;
}

export interface ModelWindow {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
}

type Waiting = ModelRecord & { readonly key: string; isJoined: boolean };

/** What falls due at one time comes with the right side first, then by key, then as it arrived. */
const order = (a: Waiting, b: Waiting): number =>
  b.side.localeCompare(a.side) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/**
 * A join of two streams as one reads its rules: every record is kept in one list and looked at each time. Returns
 * `key=left-right@timestamp` in order, and how many records were late.
 */
export function modelJoin(
  mode: 'inner' | 'left' | 'outer',
  { beforeMs, afterMs, graceMs }: ModelWindow,
  records: readonly ModelRecord[],
): { readonly results: string[]; readonly late: number } {
  const results: string[] = [];
  let late = 0;
  let now = -1;
  let waiting: Waiting[] = [];
  const closeOf = ({ side, timestamp }: ModelRecord) => timestamp + (side === 'left' ? afterMs : beforeMs) + graceMs;
  const isReported = ({ side }: ModelRecord) => mode === 'outer' || (mode === 'left' && side === 'left');
  const report = ({ side, key, value, timestamp }: ModelRecord) =>
    results.push(`${key}=${side === 'left' ? `${value}-null` : `null-${value}`}@${timestamp}`);

  for (const record of records) {
    const { side, key, value, timestamp } = record;
    now = Math.max(now, timestamp);
    waiting
      .filter(one => closeOf(one) < now && !one.isJoined && isReported(one))
      .sort((a, b) => closeOf(a) - closeOf(b) || order(a, b))
      .forEach(report);
    waiting = waiting.filter(one => closeOf(one) >= now);
    if (key === null) {
      if (isReported(record)) report(record);
      continue;
    }
    if (closeOf(record) < now) {
      late++;
      continue;
    }
    const matches = waiting.filter(one => {
      const [l, r] = side === 'left' ? [record, one] : [one, record];
      const isNear = l.timestamp - beforeMs <= r.timestamp && r.timestamp <= l.timestamp + afterMs;
      return one.side !== side && one.key === key && isNear;
    });
    for (const one of matches.toSorted((a, b) => a.timestamp - b.timestamp)) {
      one.isJoined = true;
      const pair = side === 'left' ? `${value}-${one.value}` : `${one.value}-${value}`;
      results.push(`${key}=${pair}@${Math.max(timestamp, one.timestamp)}`);
    }
    waiting.push({ side, key, value, timestamp, isJoined: matches.length > 0 });
  }
  return { results, late };
}
