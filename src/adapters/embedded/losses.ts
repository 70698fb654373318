import type { Log } from '../../runtime/ports.ts';
import type { LogState, OffsetGap } from './log-state.ts';

/** More gaps than these are counted, not listed. */
const LISTED = 1000;

/** What is found bad and missing while a damaged log is read. */
export class Losses {
  /** Whole commits. */
  commits = 0;
  /** What is wrong with each file; a place each. */
  readonly faults = new Map<string, string[]>();
  readonly #gaps: OffsetGap[] = [];
  readonly #exact: OffsetGap[] = [];
  readonly #ends: OffsetGap[] = [];
  #isEndUnknown = false;
  /** Numbers of topics that there are records of. */
  readonly #topics = new Set<number>();
  /** `<topic's number>/<partition>` of those that may have lost records of which nothing tells. */
  readonly #unsure = new Set<string>();

  fault(file: string, what: string): void {
    this.faults.set(file, [...(this.faults.get(file) ?? []), what]);
  }

  /** Offsets that no segment has; what of them was deleted or compacted meanwhile is not missed. */
  missing(gaps: readonly OffsetGap[]): void {
    this.#gaps.push(...gaps);
  }

  /** Offsets that are missed whatever lies where. */
  missed(gaps: readonly OffsetGap[]): void {
    this.#exact.push(...gaps);
  }

  /**
   * What the log has lost of its end; undefined: that is not known. What is left of it is as it was before, so no partition has a
   * hole: tasks go back to what they had committed then, and do again what they did since.
   */
  ended(gaps: readonly OffsetGap[] | undefined): void {
    if (gaps === undefined) this.#isEndUnknown = true;
    else this.#ends.push(...gaps);
  }

  /** Something is gone, and nothing says what it was: any partition may have had records in it. */
  unknown(state: LogState): void {
    for (const { number, partitions } of state.topics.values())
      partitions.forEach((_, partition) => this.#unsure.add(`${number}/${partition}`));
  }

  /** What was unknown so far shows in the offsets of what comes now, of one partition or of all. */
  known(topic?: number, partition?: number): void {
    if (topic === undefined) this.#unsure.clear();
    else this.#unsure.delete(`${topic}/${partition}`);
  }

  /** There are records of a topic. */
  seen(topic: number): void {
    this.#topics.add(topic);
  }

  /** Marks what is lost in the state at the end, and tells it. */
  settle(state: LogState, log: Log): void {
    const gaps = merged([...this.#gaps.flatMap(gap => inState(gap, state)), ...this.#exact]);
    for (const { topic, partition, to } of gaps) {
      const lossy = state.partition(topic, partition);
      if (lossy !== undefined) lossy.lost = Math.max(lossy.lost ?? 0, Math.min(to, lossy.end));
    }
    for (const { number, partitions } of state.topics.values())
      for (const [partition, lossy] of partitions.entries())
        if (this.#unsure.has(`${number}/${partition}`)) lossy.lost = lossy.end;
    this.#tell(merged([...gaps, ...this.#ends]), log);
    this.#leaveNameless(state, log);
  }

  /** What no topic says to be its own is no topic's that is made later. */
  #leaveNameless(state: LogState, log: Log): void {
    const nameless = [...this.#topics].filter(number => number >= state.nextTopic);
    if (nameless.length === 0) return;
    state.nextTopic = Math.max(...nameless) + 1;
    log.warn(
      { code: 'TOPO_LOG_DAMAGED', topics: nameless.length },
      'there are records of topics whose creation is lost, and with it their names: nobody can read them any more',
    );
  }

  #tell(gaps: readonly OffsetGap[], log: Log): void {
    const code = 'TOPO_LOG_DAMAGED';
    for (const { topic, partition, from, to } of gaps.slice(0, LISTED))
      log.warn({ code, topic, partition, from, to: to - 1, offsets: to - from }, 'these offsets are lost');
    const counts = {
      files: this.faults.size,
      commits: this.commits,
      partitions: new Set(gaps.map(({ topic, partition }) => `${topic}/${partition}`)).size,
      offsets: gaps.reduce((sum, { from, to }) => sum + to - from, 0),
    };
    const more =
      this.#unsure.size > 0 || this.#isEndUnknown
        ? ', and without what may have been there besides, of which nothing tells'
        : '';
    log.warn({ code, ...counts }, `the loss is accepted: the log goes on without these offsets${more}`);
  }
}

/** What of it is missed at the end. */
function inState(gap: OffsetGap, state: LogState): OffsetGap[] {
  const kept = state.partition(gap.topic, gap.partition);
  if (kept === undefined) return [];
  const from = Math.max(gap.from, kept.start, kept.compacted?.through ?? 0);
  return gap.to > from ? [{ ...gap, from }] : [];
}

/** In order, and those that touch as one. */
function merged(gaps: readonly OffsetGap[]): OffsetGap[] {
  const byTopic = (a: OffsetGap, b: OffsetGap) => (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0);
  const result: OffsetGap[] = [];
  for (const gap of [...gaps].sort((a, b) => byTopic(a, b) || a.partition - b.partition || a.from - b.from)) {
    const last = result.at(-1);
    if (last?.topic === gap.topic && last.partition === gap.partition && gap.from <= last.to)
      result.splice(-1, 1, { ...last, to: Math.max(last.to, gap.to) });
    else result.push(gap);
  }
  return result;
}
