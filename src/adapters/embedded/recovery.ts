import type { FatalError } from '../../errors.ts';
import type { Log } from '../../runtime/ports.ts';
import { readCleanStop } from './clean-stop.ts';
import { readCompacted } from './compacted-files.ts';
import { damaged, describeCommits, describeGaps, newerFormat, notEven } from './damage.ts';
import type { Disk, DiskFile } from './disk.ts';
import { readFooter } from './footer.ts';
import { tagOf } from './frame.ts';
import { LogIndex } from './log-index.ts';
import type { LogFiles } from './log-files.ts';
import { removeLeftOvers } from './left-overs.ts';
import { LogState, type OffsetGap } from './log-state.ts';
import { fileOf, readBeginning, replay, takeOver, type Beginning, type Tail } from './replay.ts';
import { FrameScan, isGood, type BadFrame, type Scanned } from './scan.ts';
import { sealSegment } from './seal.ts';
import { lastSegment, numberIn, segmentName } from './segment.ts';
import type { SealedSegment } from './state-change.ts';

/** A log as it was read. */
export interface LogContent {
  readonly state: LogState;
  readonly index: LogIndex;
  readonly tail: Tail;
}

interface FoundLog extends LogContent {
  /** A clean stop says that it ends here. */
  readonly isStopped: boolean;
}

/**
 * Reads what a folder holds; undefined when it holds no log yet.
 *
 * The last segment is read and checked byte by byte, and tells which other files there are; these tell of themselves in their
 * footers. An unfinished last frame is a commit that never was. Everything else that is not as it was written is damage.
 *
 * `repair`: for the process that holds the lock. It cuts off what is unfinished, adds a footer that a crash prevented, makes
 * durable what it read, and removes files that were being made or taken away when the process before ended. Without it nothing is written, and a process that is appending meanwhile does no harm.
 *
 * @throws FatalError `TOPO_LOG_DAMAGED` naming file, place and what is missing.
 */
export async function readLog(disk: Disk, files: LogFiles, repair?: Log): Promise<FoundLog | undefined> {
  return new Recovery(disk, files, repair).read();
}

/** Bytes of a file, to be scanned as one. */
const inMemory = (bytes: Buffer): Scanned => ({
  size: async () => bytes.length,
  read: async (position, into) => into.subarray(0, bytes.copy(into, 0, position)),
});

class Recovery {
  readonly #disk: Disk;
  readonly #files: LogFiles;
  readonly #repair: Log | undefined;
  readonly #index: LogIndex;
  /** All segments, the last one too. */
  #chain: readonly SealedSegment[] = [];
  /** The state at the log's end. */
  #end: LogState | undefined;

  constructor(disk: Disk, files: LogFiles, repair: Log | undefined) {
    this.#disk = disk;
    this.#files = files;
    this.#repair = repair;
    this.#index = new LogIndex(files);
  }

  async read(): Promise<FoundLog | undefined> {
    const names = await this.#disk.list();
    const beginning = await this.#lastBeginning(names);
    if (beginning === undefined) {
      await this.#checkCleanStop(undefined);
      return undefined;
    }
    if (this.#repair !== undefined) await this.#makeDurable(beginning.tail);
    const { content, unfinished } = await this.#readLast(beginning);
    const { state, tail } = content;
    // which others there must be stands in that segment; a process that writes meanwhile makes a file before it names it
    names.splice(0, names.length, ...(await this.#disk.list()));
    this.#chain = [...state.sealed, [tail.segment, tail.generation]];
    this.#end = state;
    let before: number | undefined;
    for (let at = 0; at < state.sealed.length; at++) before = await this.#readSealed(at, before, names);
    if (before !== undefined && before !== tail.before)
      throw await this.#missing(state.sealed.length, 'It does not follow.');
    await readCompacted(this.#disk, this.#files, {
      state,
      index: this.#index,
      names,
      repairs: this.#repair !== undefined,
    });
    this.#index.trim(state);
    // before anything is cut off: what a clean stop confirmed and is unreadable now may still be saved by hand
    const isStopped = await this.#checkCleanStop(content);
    if (this.#repair !== undefined) {
      if (unfinished) this.#repair.warn(unfinished, 'dropped an unfinished commit at the end of the log');
      await this.#settle(tail);
      await removeLeftOvers(this.#disk, this.#repair, state, tail);
    }
    return { ...content, isStopped };
  }

  /** How the last segment begins. A successor that was being made when its process died is taken away. */
  async #lastBeginning(names: string[]): Promise<Beginning | undefined> {
    const last = lastSegment(names);
    if (last === undefined) return undefined;
    const name = segmentName(...last);
    const beginning = await this.#files.use(name, file => readBeginning(file, last));
    if (typeof beginning !== 'string') {
      if ((await this.#footer(name)) === undefined) return beginning;
      // a process that only reads may have looked between the making of a successor and this footer
      const now = await this.#disk.list();
      if (String(lastSegment(now)) === String(last)) throw this.#successorGone(last);
      names.splice(0, names.length, ...now);
      return this.#lastBeginning(names);
    }
    if (beginning.startsWith('its format')) throw newerFormat(this.#files.pathOf(name), beginning);
    const frame = await this.#files.use(name, async file =>
      (await FrameScan.open(file)).search(1, { segment: last[0] }, 0),
    );
    const others = names.filter(each => each !== name);
    const before = lastSegment(others);
    const follows = before !== undefined && (await this.#footer(segmentName(...before))) !== undefined;
    if (frame !== undefined || follows)
      throw damaged(this.#files.pathOf(name), `Its first frame, at byte 0, is unreadable: ${beginning}.`);
    if (before === undefined) {
      // the first one that is ever made has the number 0, and no such note beside it
      await this.#checkCleanStop(undefined, name);
      if (last[0] > 0) throw notEven(this.#files.pathOf(name));
    }
    if (this.#repair !== undefined) {
      this.#repair.warn(
        { path: this.#files.pathOf(name) },
        'removed a segment that was being made when its process ended',
      );
      await this.#files.forget(name);
      await this.#disk.remove(name);
      await this.#disk.sync();
    }
    names.splice(0, names.length, ...others);
    return this.#lastBeginning(names);
  }

  /** Takes over a segment that has a successor. Returns the number of its last commit. */
  async #readSealed(at: number, before: number | undefined, names: readonly string[]): Promise<number> {
    const sealed = this.#chain[at]!;
    const name = segmentName(...sealed);
    const path = this.#files.pathOf(name);
    if (!names.includes(name)) throw await this.#missing(at, 'The file is gone.');
    const footer = await this.#footer(name);
    if (footer !== undefined) {
      if (before !== undefined && footer.first !== before + 1)
        throw damaged(path, `It begins with commit ${footer.first} instead of ${before + 1}.`);
      this.#index.addFooter(name, footer.entries);
      return footer.last;
    }
    const beginning = await this.#files.use(name, file => readBeginning(file, sealed));
    if (typeof beginning === 'string') throw await this.#missing(at, `It is unreadable from byte 0 on: ${beginning}.`);
    const { state } = beginning;
    const index = new LogIndex(this.#files);
    const { tail, stop } = await this.#files.use(name, file => replay(file, beginning.tail, state, index));
    const next = await this.#beginning(this.#chain[at + 1]!);
    if (typeof next === 'string') throw await this.#missing(at + 1, `It is unreadable from byte 0 on: ${next}.`);
    if (tail.number < next.tail.before) {
      const why =
        stop !== undefined && !isGood(stop) ? `The frame there is bad: ${stop.reason}.` : 'The file ends there.';
      const lost = describeCommits(tail.number + 1, next.tail.before);
      const gaps = describeGaps(next.state.gapsSince(state, this.#end));
      throw damaged(path, `It holds no ${lost} any more, from byte ${tail.position} on. ${why} ${gaps}`);
    }
    this.#index.adopt(index.unsealed(name));
    if (this.#repair !== undefined) await this.#addFooter(tail, state.logId);
    return tail.number;
  }

  /** Takes over the last segment; `unfinished` says where a commit begins that never was. */
  async #readLast({
    state,
    tail: from,
  }: Beginning): Promise<{ content: LogContent; unfinished: Readonly<Record<string, unknown>> | undefined }> {
    const name = fileOf(from);
    return this.#files.use(name, async file => {
      let unfinished: Readonly<Record<string, unknown>> | undefined;
      const { tail, stop, scan } = await replay(file, from, state, this.#index);
      if (stop !== undefined && isGood(stop) && this.#repair !== undefined)
        throw this.#successorGone([from.segment, from.generation]);
      if (stop !== undefined && !isGood(stop) && this.#repair !== undefined) {
        await this.#refuseDamage(scan, tail, stop, state);
        const bytes = scan.size - tail.position;
        unfinished = { path: this.#files.pathOf(name), position: tail.position, bytes, reason: stop.reason };
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
    const commit = bad.frame?.commit;
    const gaps: OffsetGap[] = (commit?.appends ?? []).map(({ topic, partition, baseOffset, endOffset }) => ({
      topic: state.nameOf(topic),
      partition,
      from: baseOffset,
      to: endOffset,
    }));
    if (commit !== undefined) state.apply(commit);
    const resumed = frame.position;
    for (let next: typeof frame | BadFrame | undefined = frame; next !== undefined && isGood(next);) {
      frame = next;
      gaps.push(...takeOver(frame, state));
      next = await scan.read(frame.end, { ...expected, previousCrc: frame.crc });
    }
    throw damaged(
      this.#files.pathOf(fileOf(tail)),
      `The frame at byte ${bad.position} is bad: ${bad.reason}; a good one follows at byte ${resumed}. ` +
        `Lost: ${lost}. ${describeGaps(gaps)}`,
    );
  }

  /** A process may have died while it made its last segment: that is to last before anything says that it is there. */
  async #makeDurable(tail: Tail): Promise<void> {
    const file = await this.#disk.open(fileOf(tail), 'write');
    try {
      await this.#rewrite(file, tail);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.sync();
  }

  /**
   * Writes a frame again that may never have been synced. Where a sync failed, the system may take its pages for written: they are
   * read as they should be, and the next sync, which succeeds, leaves them out. What a read gets wrong is not written.
   */
  async #rewrite(file: DiskFile, tail: Tail): Promise<void> {
    const { segment, frame: position } = tail;
    const bytes = await file.read(position, Buffer.allocUnsafeSlow(tail.position - position));
    const scan = await FrameScan.open(inMemory(bytes));
    const frame = await scan.read(0, { segment });
    if (frame === undefined || !isGood(frame) || frame.crc !== tail.crc || frame.end !== bytes.length)
      throw damaged(this.#files.pathOf(fileOf(tail)), `Its frame at byte ${position} is read in two ways.`);
    await file.write(position, [bytes]);
  }

  /** A process may have died between its write and its sync: what was read is made durable before anybody builds on it. */
  async #settle(tail: Tail): Promise<void> {
    const file = await this.#disk.open(fileOf(tail), 'write');
    try {
      if ((await file.size()) > tail.position) await file.truncate(tail.position);
      await this.#rewrite(file, tail);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #addFooter(tail: Tail, logId: string): Promise<void> {
    const file = await this.#disk.open(fileOf(tail), 'write');
    try {
      await file.truncate(tail.position);
      await sealSegment(file, tail, logId, this.#index);
    } finally {
      await file.close();
    }
  }

  /** Whether there is a clean stop of this very end. */
  async #checkCleanStop(content: LogContent | undefined, first = segmentName(0)): Promise<boolean> {
    if (this.#repair === undefined) return false;
    const stop = await readCleanStop(this.#disk);
    if (stop === undefined) return false;
    if (stop === 'unreadable' && content === undefined) throw notEven(this.#files.pathOf(first));
    if (stop === 'unreadable') {
      this.#repair.warn({ path: this.#disk.pathOf('clean-stop') }, 'the note of the last clean stop is unreadable');
      return false;
    }
    const end = content?.tail.number ?? 0;
    if (content !== undefined && end > stop.number) return false;
    if (content !== undefined && end === stop.number && content.tail.crc === stop.crc) return true;
    const path = this.#files.pathOf(content === undefined ? first : fileOf(content.tail));
    if (end === stop.number) throw damaged(path, `Its commit ${end} is not the one it was closed with.`);
    const gaps = stop.state.gapsSince(content?.state ?? new LogState(''));
    const where = content === undefined ? 'Nothing is left of it' : `It ends at byte ${content.tail.position}`;
    throw damaged(
      path,
      `${where}, but was closed behind ${describeCommits(end + 1, stop.number)}. ${describeGaps(gaps)}`,
    );
  }

  /** A segment that is not there, or tells nothing: what it held is what its neighbours do not know of each other. */
  async #missing(at: number, what: string): Promise<FatalError> {
    const sealed = this.#chain[at]!;
    const path = this.#files.pathOf(segmentName(...sealed));
    const follower = this.#chain[at + 1];
    const before = await this.#stateBehind(this.#chain[at - 1]);
    const next = follower && (await this.#beginning(follower).catch(() => 'unreadable'));
    if (next === undefined || typeof next === 'string' || before === undefined)
      return damaged(path, `${what} ${describeGaps([])}`);
    // what lay in front of the first segment was not lost
    const lost =
      at === 0 && sealed[0] > 0
        ? `commits up to ${next.tail.before}`
        : describeCommits(before.number + 1, next.tail.before);
    return damaged(path, `${what} Lost: ${lost}. ${describeGaps(next.state.gapsSince(before.state, this.#end))}`);
  }

  /** The state at the end of a segment, from its frames; an empty one in front of the first. */
  async #stateBehind(sealed: SealedSegment | undefined): Promise<{ state: LogState; number: number } | undefined> {
    if (sealed === undefined) return { state: new LogState(''), number: 0 };
    try {
      return await this.#files.use(segmentName(...sealed), async file => {
        const beginning = await readBeginning(file, sealed);
        if (typeof beginning === 'string') return undefined;
        const { tail } = await replay(file, beginning.tail, beginning.state, new LogIndex(this.#files));
        return { state: beginning.state, number: tail.number };
      });
    } catch {
      return undefined; // this only makes the message of another error more exact
    }
  }

  #beginning(sealed: SealedSegment): Promise<Beginning | string> {
    return this.#files.use(segmentName(...sealed), file => readBeginning(file, sealed));
  }

  #successorGone([segment, generation]: SealedSegment): FatalError {
    const what = `It was sealed, so ${segmentName(segment + 1)} must follow it, and that file is gone.`;
    return damaged(this.#files.pathOf(segmentName(segment, generation)), `${what} ${describeGaps([])}`);
  }

  #footer(name: string) {
    return this.#files.use(name, file => readFooter(file, numberIn(name)));
  }
}
