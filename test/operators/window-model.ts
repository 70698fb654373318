// Windows as one reads their rules: all records in one list, looked at each time. A value is its record's number.

/** A record of the model. */
export interface Fed {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/** A window, with its records in the order they came. */
interface Pane {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly fed: readonly Fed[];
}

export interface Outcome {
  /** `key[start,end]=values@timestamp`, in order of (close, key, start). */
  readonly final: string[];
  /** The last update of each window, as `values@timestamp`; without sessions that became part of others. */
  readonly latest: ReadonlyMap<string, string>;
  /** Sessions that became part of others. */
  readonly retracted: ReadonlySet<string>;
  readonly late: number;
}

interface TimeWindowRules {
  readonly sizeMs: number;
  readonly everyMs: number;
  readonly graceMs: number;
}

const nameOf = ({ key, start, end }: Pane) => `${key}[${start},${end}]`;
const valuesOf = ({ fed }: Pane) => fed.map(({ value }) => value).join('+');
const lastOf = ({ fed }: Pane) => Math.max(...fed.map(({ timestamp }) => timestamp));

function outcomeOf(panes: readonly Pane[], closeOf: (pane: Pane) => number, late: number, timeOf = lastOf): Outcome {
  const text = (pane: Pane) => `${nameOf(pane)}=${valuesOf(pane)}@${timeOf(pane)}`;
  const inOrder = panes.toSorted((a, b) => closeOf(a) - closeOf(b) || (a.key < b.key ? -1 : Number(a.key > b.key)) || a.start - b.start);
  return { final: inOrder.map(text), latest: new Map(panes.map(pane => [nameOf(pane), `${valuesOf(pane)}@${timeOf(pane)}`])), retracted: new Set(), late };
} // prettier-ignore

/** Tumbling and hopping windows. */
export function timeWindows(all: readonly Fed[], { sizeMs, everyMs, graceMs }: TimeWindowRules): Outcome {
  const panes = new Map<string, Pane>();
  let [now, late] = [-1, 0];
  for (const one of all) {
    const { key, value, timestamp } = one;
    if (key === null || value === null) continue;
    now = Math.max(now, timestamp);
    for (let start = 0; start <= timestamp; start += everyMs) {
      const end = start + sizeMs;
      if (end <= timestamp) continue;
      if (end + graceMs <= now) {
        late++;
        continue;
      }
      const pane = { key, start, end, fed: [] };
      panes.set(nameOf(pane), { ...pane, fed: [...(panes.get(nameOf(pane))?.fed ?? []), one] });
    }
  }
  return outcomeOf([...panes.values()], ({ end }) => end + graceMs, late);
}

/** Sessions. What is closed takes part in nothing any more. */
export function sessions(all: readonly Fed[], gapMs: number, graceMs: number): Outcome {
  let open: Pane[] = [];
  const closed: Pane[] = [];
  const retracted = new Set<string>();
  const isClosed = (end: number) => now > end + gapMs + graceMs;
  let [now, late] = [-1, 0];
  for (const one of all) {
    const { key, value, timestamp } = one;
    if (key === null || value === null) continue;
    now = Math.max(now, timestamp);
    closed.push(...open.filter(({ end }) => isClosed(end)));
    open = open.filter(({ end }) => !isClosed(end));
    const met = open.filter(pane => pane.key === key && pane.start - gapMs <= timestamp && timestamp <= pane.end + gapMs);
    const bounds = [timestamp, ...met.flatMap(({ start, end }) => [start, end])];
    const pane: Pane = { key, start: Math.min(...bounds), end: Math.max(...bounds), fed: [...met.toSorted((a, b) => a.start - b.start).flatMap(({ fed }) => fed), one] };
    if (isClosed(pane.end)) {
      late++;
      continue;
    }
    for (const former of met) retracted.add(nameOf(former));
    retracted.delete(nameOf(pane));
    open = [...open.filter(other => !met.includes(other)), pane];
  }
  const panes = [...closed, ...open];
  return { ...outcomeOf(panes, ({ end }) => end + gapMs + graceMs + 1, late, ({ end }) => end), retracted };
} // prettier-ignore

/** Sliding windows of records none of which is late: one ends at each record, one begins right behind it if something lies there. */
export function slidingWindows(all: readonly Fed[], differenceMs: number, graceMs: number): Outcome {
  const panes = new Map<string, Pane>();
  const present = all.filter(({ key, value }) => key !== null && value !== null);
  for (const key of new Set(present.map(one => one.key!))) {
    const own = present.filter(one => one.key === key);
    const starts = own.flatMap(({ timestamp }) => [Math.max(0, timestamp - differenceMs), timestamp + 1]);
    for (const start of starts) {
      const end = start + differenceMs;
      const fed = own.filter(({ timestamp }) => timestamp >= start && timestamp <= end);
      const pane = { key, start, end, fed };
      if (fed.length > 0) panes.set(nameOf(pane), pane);
    }
  }
  return outcomeOf([...panes.values()], ({ end }) => end + graceMs + 1, 0);
}
