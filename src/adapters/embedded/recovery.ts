import { FatalError } from '../../errors.ts';
import type { Log } from '../../runtime/ports.ts';
import { readCleanStop } from './clean-stop.ts';
import { damaged, describeCommits, describeGaps } from './damage.ts';
import type { Disk } from './disk.ts';
import { readFooter } from './footer.ts';
import { tagOf } from './frame.ts';
import { LogIndex } from './log-index.ts';
import { LogState, type OffsetGap } from './log-state.ts';
import { readBeginning, replay, takeOver, type Beginning, type Tail } from './replay.ts';
import { FrameScan, isGood, type BadFrame } from './scan.ts';
import { sealSegment } from './seal.ts';
import { segmentName, segmentNumbers } from './segment.ts';
import type { SegmentFiles } from './segment-files.ts';

/** A log as it was read. */
export interface LogContent {
  readonly state: LogState;
  readonly index: LogIndex;
  readonly tail: Tail;
}

/**
 * Reads what a folder holds; undefined when it holds no log yet.
 *
 * Sealed segments tell of themselves in their footers; the last one is read and checked byte by byte. An unfinished last frame
 * is a commit that never was. Everything else that is not as it was written is damage.
 *
 * `repair`: for the process that holds the lock. It cuts off what is unfinished, adds a footer that a crash prevented, and
 * makes durable what it read. Without it nothing is written, and a process that is appending meanwhile does no harm.
 *
 * @throws FatalError `TOPO_LOG_DAMAGED` naming file, place and what is missing.
 */
export async function readLog(disk: Disk, files: SegmentFiles, repair?: Log): Promise<LogContent | undefined> {
  return new Recovery(disk, files, repair).read();
}

class Recovery {
  readonly #disk: Disk;
  readonly #files: SegmentFiles;
  readonly #repair: Log | undefined;
  readonly #index: LogIndex;

  constructor(disk: Disk, files: SegmentFiles, repair: Log | undefined) {
    this.#disk = disk;
    this.#files = files;
    this.#repair = repair;
    this.#index = new LogIndex(files);
  }

  async read(): Promise<LogContent | undefined> {
    const numbers = segmentNumbers(await this.#disk.list());
    const beginning = await this.#lastBeginning(numbers);
    if (beginning === undefined) {
      await this.#checkCleanStop(undefined);
      return undefined;
    }
    const last = beginning.tail.segment;
    let before: number | undefined;
    for (let number = beginning.state.firstSegment; number < last; number++)
      before = await this.#readSealed(number, before, numbers);
    if (before !== undefined && before !== beginning.tail.before)
      throw await this.#missing(last, 'It does not follow.');
    const { content, unfinished } = await this.#readLast(beginning);
    // before anything is cut off: what a clean stop confirmed and is unreadable now may still be saved by hand
    await this.#checkCleanStop(content);
    if (this.#repair !== undefined) {
      if (unfinished) this.#repair.warn(unfinished, 'dropped an unfinished commit at the end of the log');
      await this.#settle(content.tail);
    }
    return content;
  }

  /** How the last segment begins. A successor that was being made when its process died is taken away. */
  async #lastBeginning(numbers: number[]): Promise<Beginning | undefined> {
    const last = numbers.at(-1);
    if (last === undefined) return undefined;
    const beginning = await this.#files.use(last, file => readBeginning(file, last));
    if (typeof beginning !== 'string') {
      if ((await this.#footer(last)) === undefined) return beginning;
      // a process that only reads may have looked between the making of a successor and this footer
      const now = segmentNumbers(await this.#disk.list());
      if (now.at(-1) === last) throw this.#successorGone(last);
      numbers.splice(0, numbers.length, ...now);
      return this.#lastBeginning(numbers);
    }
    if (beginning.startsWith('its format')) throw newerFormat(this.#path(last), beginning);
    const frame = await this.#files.use(last, async file =>
      (await FrameScan.open(file)).search(1, { segment: last }, 0),
    );
    const before = numbers.at(-2);
    if (frame !== undefined || (before !== undefined && (await this.#footer(before)) !== undefined))
      throw damaged(this.#path(last), `Its first frame, at byte 0, is unreadable: ${beginning}.`);
    if (this.#repair !== undefined) {
      this.#repair.warn({ path: this.#path(last) }, 'removed a segment that was being made when its process ended');
      await this.#disk.remove(segmentName(last));
      await this.#disk.sync();
    }
    numbers.pop();
    return this.#lastBeginning(numbers);
  }

  /** Takes over a segment that has a successor. Returns the number of its last commit. */
  async #readSealed(number: number, before: number | undefined, numbers: readonly number[]): Promise<number> {
    if (!numbers.includes(number)) throw await this.#missing(number, 'The file is gone.');
    const footer = await this.#footer(number);
    if (footer !== undefined) {
      if (before !== undefined && footer.first !== before + 1)
        throw damaged(this.#path(number), `It begins with commit ${footer.first} instead of ${before + 1}.`);
      this.#index.addFooter(number, footer.entries);
      return footer.last;
    }
    const beginning = await this.#files.use(number, file => readBeginning(file, number));
    if (typeof beginning === 'string')
      throw await this.#missing(number, `It is unreadable from byte 0 on: ${beginning}.`);
    const { state } = beginning;
    const { tail, stop } = await this.#files.use(number, file => replay(file, beginning.tail, state, this.#index));
    const next = await this.#files.use(number + 1, file => readBeginning(file, number + 1));
    if (typeof next === 'string') throw await this.#missing(number + 1, `It is unreadable from byte 0 on: ${next}.`);
    if (tail.number < next.tail.before) {
      const why =
        stop !== undefined && !isGood(stop) ? `The frame there is bad: ${stop.reason}.` : 'The file ends there.';
      const lost = describeCommits(tail.number + 1, next.tail.before);
      const gaps = describeGaps(next.state.gapsSince(state));
      throw damaged(this.#path(number), `It holds no ${lost} any more, from byte ${tail.position} on. ${why} ${gaps}`);
    }
    if (this.#repair !== undefined) await this.#addFooter(tail, state);
    return tail.number;
  }

  /** Takes over the last segment; `unfinished` says where a commit begins that never was. */
  async #readLast({
    state,
    tail: from,
  }: Beginning): Promise<{ content: LogContent; unfinished: Readonly<Record<string, unknown>> | undefined }> {
    const number = from.segment;
    return this.#files.use(number, async file => {
      let unfinished: Readonly<Record<string, unknown>> | undefined;
      const { tail, stop, scan } = await replay(file, from, state, this.#index);
      if (stop !== undefined && isGood(stop) && this.#repair !== undefined) throw this.#successorGone(number);
      if (stop !== undefined && !isGood(stop) && this.#repair !== undefined) {
        await this.#refuseDamage(scan, tail, stop, state);
        const bytes = scan.size - tail.position;
        unfinished = { path: this.#path(number), position: tail.position, bytes, reason: stop.reason };
      }
      return { content: { state, index: this.#index, tail }, unfinished };
    });
  }

  /** A bad frame with a good one behind it: frames are synced one by one, so no crash leaves that. */
  async #refuseDamage(scan: FrameScan, tail: Tail, bad: BadFrame, state: LogState): Promise<void> {
    const expected = { segment: tail.segment, logTag: tagOf(state.logId) };
    let frame = await scan.search(bad.position + 1, expected, tail.number);
    if (frame === undefined) return;
    const lost = describeCommits(tail.number + 1, frame.head.number - 1);
    const gaps: OffsetGap[] = (bad.commit?.appends ?? []).map(({ topic, partition, baseOffset, endOffset }) => ({
      topic: state.nameOf(topic),
      partition,
      from: baseOffset,
      to: endOffset,
    }));
    if (bad.commit !== undefined) state.apply(bad.commit);
    const resumed = frame.position;
    for (let next: typeof frame | BadFrame | undefined = frame; next !== undefined && isGood(next);) {
      frame = next;
      gaps.push(...takeOver(frame, state));
      next = await scan.read(frame.end, { ...expected, previousCrc: frame.crc });
    }
    throw damaged(
      this.#path(tail.segment),
      `The frame at byte ${bad.position} is bad: ${bad.reason}; a good one follows at byte ${resumed}. ` +
        `Lost: ${lost}. ${describeGaps(gaps)}`,
    );
  }

  /** A process may have died between its write and its sync: what was read is made durable before anybody builds on it. */
  async #settle(tail: Tail): Promise<void> {
    const file = await this.#disk.open(segmentName(tail.segment), 'write');
    try {
      if ((await file.size()) > tail.position) await file.truncate(tail.position);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #addFooter(tail: Tail, state: LogState): Promise<void> {
    const file = await this.#disk.open(segmentName(tail.segment), 'write');
    try {
      await file.truncate(tail.position);
      await sealSegment(file, tail, state, this.#index);
    } finally {
      await file.close();
    }
  }

  async #checkCleanStop(content: LogContent | undefined): Promise<void> {
    if (this.#repair === undefined) return;
    const stop = await readCleanStop(this.#disk);
    if (stop === undefined) return;
    if (stop === 'unreadable') {
      this.#repair.warn({ path: this.#disk.pathOf('clean-stop') }, 'the note of the last clean stop is unreadable');
      return;
    }
    const end = content?.tail.number ?? 0;
    if (content !== undefined && (end > stop.number || (end === stop.number && content.tail.crc === stop.crc))) return;
    const path = this.#path(content?.tail.segment ?? 0);
    if (end === stop.number) throw damaged(path, `Its commit ${end} is not the one it was closed with.`);
    const gaps = stop.state.gapsSince(content?.state ?? new LogState(''));
    const where = content === undefined ? 'There is nothing in it' : `It ends at byte ${content.tail.position}`;
    throw damaged(
      path,
      `${where}, but was closed behind ${describeCommits(end + 1, stop.number)}. ${describeGaps(gaps)}`,
    );
  }

  /** A segment that is not there, or tells nothing: what it held is what its neighbours do not know of each other. */
  async #missing(number: number, what: string): Promise<FatalError> {
    const before = await this.#stateBehind(number - 1);
    const next = await this.#files.use(number + 1, file => readBeginning(file, number + 1)).catch(() => 'unreadable');
    if (typeof next === 'string' || before === undefined)
      return damaged(this.#path(number), `${what} ${describeGaps([])}`);
    const lost = describeCommits(before.number + 1, next.tail.before);
    return damaged(this.#path(number), `${what} Lost: ${lost}. ${describeGaps(next.state.gapsSince(before.state))}`);
  }

  /** The state at the end of a segment, from its frames; an empty one in front of the first. */
  async #stateBehind(number: number): Promise<{ state: LogState; number: number } | undefined> {
    if (number < 0) return { state: new LogState(''), number: 0 };
    try {
      return await this.#files.use(number, async file => {
        const beginning = await readBeginning(file, number);
        if (typeof beginning === 'string') return undefined;
        const { tail } = await replay(file, beginning.tail, beginning.state, new LogIndex(this.#files));
        return { state: beginning.state, number: tail.number };
      });
    } catch {
      return undefined; // this only makes the message of another error more exact
    }
  }

  #successorGone(number: number): FatalError {
    const what = `It was sealed, so ${segmentName(number + 1)} must follow it, and that file is gone.`;
    return damaged(this.#path(number), `${what} ${describeGaps([])}`);
  }

  #footer(number: number) {
    return this.#files.use(number, file => readFooter(file, number));
  }

  #path(number: number): string {
    return this.#files.pathOf(number);
  }
}

function newerFormat(path: string, reason: string): FatalError {
  return new FatalError('TOPO_FOLDER_UNUSABLE', `${path} was written by another version of Topo: ${reason}.`, { path });
}
