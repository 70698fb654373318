import type { Log } from '../../runtime/ports.ts';
import { acceptCompacted } from './accept-compacted.ts';
import { beginSegment } from './begin-segment.ts';
import { readCleanStop, removeCleanStop, type CleanStop } from './clean-stop.ts';
import { copyFile } from './copy-file.ts';
import { describeCommits, newerFormat, notEven } from './damage.ts';
import type { Disk } from './disk.ts';
import { FileWriter } from './file-writer.ts';
import { hasBadIndex, readFooter, type Footer } from './footer.ts';
import { tagOf } from './frame.ts';
import { LogFiles } from './log-files.ts';
import { LogState } from './log-state.ts';
import { Losses } from './losses.ts';
import { remainsOf, survivorsOf, type Remains, type RemainsFrom } from './remains.ts';
import { readBeginning, takeOver, type Beginning } from './replay.ts';
import { FrameScan } from './scan.ts';
import { isSegment, lastSegment, segmentName } from './segment.ts';
import type { SealedSegment } from './state-change.ts';

/**
 * Reads a log whole and, where it is damaged, makes it one that is not: nothing that can be read is dropped, what is lost leaves a
 * gap in the offsets, and no offset that is known to have been given out is given out again. Where nothing is damaged, nothing changes.
 *
 * A damaged segment is written anew with what is left of it, as cleaning does. A new last segment puts that into force: its state
 * names the new files, and goes on from all that is known of the log. What was there is kept beside, as `<file>.damaged`.
 *
 * For the process that holds the lock.
 * @throws FatalError `TOPO_LOG_DAMAGED` when nothing tells any more which log it was; `TOPO_DISK`, `TOPO_FOLDER_UNUSABLE`
 */
export async function acceptLoss(disk: Disk, log: Log, nowMs: number): Promise<void> {
  const files = new LogFiles(disk);
  try {
    await new Acceptance(disk, files, log, nowMs).run();
  } finally {
    await files.close();
  }
}

/** How far a log was read. */
interface Place {
  state: LogState;
  /** Of the last commit. */
  number: number;
  /** Of the last head; undefined when that cannot be read. */
  crc: number | undefined;
}

/** A segment as it was read: what it takes to write it anew. */
interface Part {
  readonly sealed: SealedSegment;
  /** The state in front of it, and its last commit then. */
  readonly front: LogState;
  readonly before: number;
  /** Where its frames are found; undefined when there is no file. */
  readonly from: RemainsFrom | undefined;
  /** The state behind it, and its last commit then. */
  behind: LogState;
  last: number;
}

class Acceptance {
  readonly #disk: Disk;
  readonly #files: LogFiles;
  readonly #log: Log;
  readonly #nowMs: number;
  readonly #losses = new Losses();
  /** Those that are bad, and the last one that was read. */
  readonly #parts: Part[] = [];
  #names: readonly string[] = [];
  /** Where the frames of the segment end that was read last. */
  #end = 0;

  constructor(disk: Disk, files: LogFiles, log: Log, nowMs: number) {
    this.#disk = disk;
    this.#files = files;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  async run(): Promise<void> {
    this.#names = await this.#disk.list();
    const found = await readCleanStop(this.#disk);
    const stop = found === 'unreadable' ? undefined : found;
    const last = await this.#last(stop);
    if (last === undefined && found === 'unreadable') throw notEven(this.#files.pathOf(segmentName(0)));
    if (last === undefined && stop === undefined) return;
    const chain = last === undefined ? [] : await this.#chain(last, stop);
    const end = last === undefined ? this.#nothingBut(stop!) : await this.#readAll(chain, stop);
    if (last !== undefined) await this.#checkEnd(last, end, stop);
    const [disk, files, losses, names] = [this.#disk, this.#files, this.#losses, this.#names];
    await acceptCompacted({ disk, files, losses, names, state: end.state });
    if (losses.faults.size === 0) {
      this.#log.info({ segments: chain.length }, 'the log was read whole: nothing of it is lost');
      return;
    }
    raiseEnds(end.state, losses);
    await this.#keepDamaged();
    await this.#tellUnfinished();
    losses.settle(end.state, this.#log);
    const segment = (last?.[0] ?? end.state.sealed.at(-1)?.[0] ?? 0) + 2;
    await this.#putIntoForce(chain, end.state, segment, Math.max(end.number, stop?.number ?? 0) + 1);
  }

  /** The newest segment; not one that was being made when its process ended. */
  async #last(stop: CleanStop | undefined): Promise<SealedSegment | undefined> {
    for (;;) {
      const last = lastSegment(this.#names);
      if (last === undefined) return undefined;
      const name = segmentName(...last);
      const beginning = await this.#beginning(last);
      if (typeof beginning !== 'string') return last;
      if (beginning.startsWith('its format')) throw newerFormat(this.#files.pathOf(name), beginning);
      const others = this.#names.filter(each => each !== name);
      const before = lastSegment(others);
      if (before !== undefined && (await this.#footer(before)) !== undefined) return last;
      // an earlier acceptance may have died as it made the only one that is to be
      if (before === undefined && last[0] > 0 && stop === undefined) return last;
      const log = { segment: last[0] };
      const frame = await this.#files.use(name, async file => (await FrameScan.open(file)).search(1, log, 0));
      if (frame !== undefined) return last;
      this.#names = others;
    }
  }

  /** All segments that there must be. The state at the end names them: it is read from the newest beginning on. */
  async #chain(last: SealedSegment, stop: CleanStop | undefined): Promise<SealedSegment[]> {
    const all: SealedSegment[] = [];
    for (let names = this.#names.filter(isSegment), next = last; ; next = lastSegment(names)!) {
      all.unshift(next);
      names = names.filter(name => parseInt(name, 10) < next[0]);
      if (names.length === 0) break;
    }
    for (let anchor = all.length - 1; anchor >= 0; anchor--) {
      const beginning = await this.#beginning(all[anchor]!);
      if (typeof beginning === 'string') continue;
      const place = { state: beginning.state, number: beginning.tail.before, crc: beginning.tail.crc };
      for (const sealed of all.slice(anchor)) {
        await this.#walk(sealed, this.#from(sealed, place, await this.#beginning(sealed)), place, new Losses());
        if (sealed !== last) place.state.sealed = [...place.state.sealed, sealed];
      }
      return [...place.state.sealed, last];
    }
    if (stop === undefined) throw notEven(this.#files.pathOf(segmentName(...last)));
    return all;
  }

  /** Reads all segments; returns how far that went. */
  async #readAll(chain: readonly SealedSegment[], stop: CleanStop | undefined): Promise<Place> {
    let place: Place | undefined;
    for (const [i, sealed] of chain.entries()) {
      const name = segmentName(...sealed);
      const beginning = await this.#beginning(sealed);
      if (typeof beginning === 'string') {
        this.#losses.fault(name, beginning);
        place ??= await this.#unknownPlace(chain.slice(i), stop);
        place.crc = undefined;
      } else place = this.#enter(beginning, place);
      this.#forgetWhole();
      await this.#nameTopics(place.state, chain[i + 1], stop);
      const from = this.#names.includes(name) ? this.#from(sealed, place, beginning) : undefined;
      const { number: before } = place;
      const part = { sealed, front: copyOf(place.state), before, from, behind: place.state, last: before };
      this.#parts.push(part);
      if (from !== undefined) await this.#walk(sealed, from, place, this.#losses);
      if (from === undefined) this.#losses.unknown(place.state);
      if (from !== undefined && i < chain.length - 1) await this.#checkFooter(sealed, before);
      part.behind = copyOf(place.state);
      part.last = place.number;
    }
    return place!;
  }

  /** What makes a topic may be lost, and records of it be left: the state behind the segment knows it, too. */
  async #nameTopics(state: LogState, next: SealedSegment | undefined, stop: CleanStop | undefined): Promise<void> {
    const beginning = next && (await this.#beginning(next));
    const behind = next === undefined ? stop?.state : typeof beginning === 'string' ? undefined : beginning?.state;
    if (behind === undefined) return;
    state.change({ create: state.changesTo(behind).create.filter(({ name }) => !state.topics.has(name)) });
  }

  #forgetWhole(): void {
    const part = this.#parts.at(-1);
    if (part !== undefined && !this.#losses.faults.has(segmentName(...part.sealed))) this.#parts.pop();
  }

  /** On to the next segment, whose state tells what should have come before it. */
  #enter({ state, tail }: Beginning, place: Place | undefined): Place {
    const part = this.#parts.at(-1);
    if (place !== undefined && part !== undefined) {
      if (tail.before > place.number) {
        const name = segmentName(...part.sealed);
        const lost = describeCommits(place.number + 1, tail.before);
        if (!this.#losses.faults.has(name)) this.#losses.fault(name, `it holds no ${lost} any more`);
        // a segment that was written anew does not count its commits
        if (part.sealed[1] === 0) this.#losses.commits += tail.before - place.number;
      }
      this.#losses.missing(state.gapsSince(place.state));
      part.behind = copyOf(state);
      part.last = tail.before;
    }
    this.#losses.known();
    return { state, number: tail.before, crc: tail.crc };
  }

  /** The log in front of a first segment that does not say it. */
  async #unknownPlace(chain: readonly SealedSegment[], stop: CleanStop | undefined): Promise<Place> {
    let later = stop?.state;
    for (const sealed of chain) {
      const beginning = await this.#beginning(sealed);
      if (typeof beginning === 'string') continue;
      later = beginning.state;
      break;
    }
    const [first] = chain;
    const footer = await this.#footer(first!);
    const state = first![0] === 0 ? new LogState(later!.logId) : copyOf(later!);
    return { state, number: (footer?.first ?? 1) - 1, crc: undefined };
  }

  #from([segment, generation]: SealedSegment, { state, number }: Place, beginning: Beginning | string): RemainsFrom {
    const at = typeof beginning === 'string' ? { position: 0, crc: undefined } : beginning.tail;
    const { position, crc } = at;
    return { segment, logTag: tagOf(state.logId), position, number, crc, isRewritten: generation > 0 };
  }

  /** Takes over what is left of a segment. */
  async #walk([segment, generation]: SealedSegment, from: RemainsFrom, place: Place, losses: Losses): Promise<void> {
    const name = segmentName(segment, generation);
    await this.#files.use(name, async file => {
      let isBroken = false;
      this.#end = from.position;
      for await (const remains of remainsOf(await FrameScan.open(file), from)) {
        const { frame, fault, position } = remains;
        if (fault !== undefined) losses.fault(name, `the frame at byte ${position} is bad: ${fault}`);
        if (frame !== undefined) this.#end = frame.head.kind === 'footer' ? await file.size() : frame.end;
        if (frame === undefined) isBroken = true;
        else if (frame.head.kind !== 'footer') {
          const skipped = from.isRewritten ? 0 : frame.head.number - place.number - 1;
          if (isBroken && (from.isRewritten || skipped > 0)) losses.unknown(place.state);
          losses.commits += Math.max(0, skipped);
          take(remains, place, losses);
          isBroken = false;
        }
      }
    });
  }

  /** A footer whose index cannot be used is made anew, with its segment. One that is not there is added when the log is opened. */
  async #checkFooter(sealed: SealedSegment, before: number): Promise<void> {
    const name = segmentName(...sealed);
    const footer = await this.#footer(sealed);
    if (footer === undefined) return;
    if (footer.first !== before + 1)
      return this.#losses.fault(name, `it begins with commit ${footer.first} instead of ${before + 1}`);
    if (await this.#files.use(name, file => hasBadIndex(file, footer)))
      this.#losses.fault(name, 'the index in its footer is bad');
  }

  /** What the log must have had besides. */
  async #checkEnd(last: SealedSegment, end: Place, stop: CleanStop | undefined): Promise<void> {
    const name = segmentName(...last);
    if ((await this.#endsSealed(last)) && stop === undefined) {
      this.#losses.fault(name, 'it was sealed, and the segment that followed it is gone');
      this.#losses.ended(undefined);
    }
    if (stop === undefined || end.number > stop.number) return;
    const gaps = stop.state.gapsSince(end.state);
    if (end.number === stop.number && end.crc === stop.crc) {
      this.#losses.missing(gaps);
      this.#losses.known();
      end.state = stop.state;
      return;
    }
    const lost = stop.number - end.number;
    this.#losses.fault(
      name,
      lost > 0
        ? `it ends with commit ${end.number}, but was closed behind ${describeCommits(end.number + 1, stop.number)}`
        : `it is not as it was closed behind commit ${stop.number}`,
    );
    this.#losses.commits += lost;
    this.#losses.ended(gaps);
    end.state.goOnFrom(stop.state);
  }

  async #endsSealed(last: SealedSegment): Promise<boolean> {
    const part = this.#parts.at(-1)!;
    return this.#files.use(segmentName(...last), async file => {
      for await (const { frame } of remainsOf(await FrameScan.open(file), part.from!))
        if (frame?.head.kind === 'footer') return true;
      return false;
    });
  }

  /** No segment is left: the note of the last clean stop says which topics and offsets there were. */
  #nothingBut({ state, number, crc }: CleanStop): Place {
    this.#losses.fault(segmentName(0), 'no segment is left');
    this.#losses.commits = number;
    this.#losses.missed(state.gapsSince(new LogState('')));
    return { state, number, crc };
  }

  async #keepDamaged(): Promise<void> {
    for (const [file, faults] of this.#losses.faults) {
      const path = this.#files.pathOf(file);
      const isThere = this.#names.includes(file);
      if (isThere) await copyFile(this.#disk, file, `${file}.damaged`);
      const kept = isThere ? { kept: `${path}.damaged` } : {};
      const more = faults.length > 1 ? `; ${faults.length - 1} more places in it are bad` : '';
      this.#log.warn({ code: 'TOPO_LOG_DAMAGED', path, ...kept }, `${faults[0]}${more}`);
    }
  }

  /** What the last segment has behind its last frame was never a commit, unless something says so. */
  async #tellUnfinished(): Promise<void> {
    const part = this.#parts.at(-1);
    if (part?.from === undefined) return;
    const name = segmentName(...part.sealed);
    const size = await this.#files.use(name, file => file.size());
    const fields = { path: this.#files.pathOf(name), position: this.#end, bytes: size - this.#end };
    if (fields.bytes > 0) this.#log.warn(fields, 'dropped an unfinished commit at the end of the log');
  }

  async #putIntoForce(
    chain: readonly SealedSegment[],
    state: LogState,
    segment: number,
    number: number,
  ): Promise<void> {
    const last = this.#parts.at(-1);
    if (last !== undefined) Object.assign(last, { behind: state, last: number });
    for (const part of this.#parts) await this.#rewrite(part, state.logId);
    const rewritten = new Set(this.#parts.map(part => part.sealed));
    state.sealed = chain.map(sealed => (rewritten.has(sealed) ? [sealed[0], sealed[1] + 1] : sealed));
    state.begunMs = this.#nowMs;
    await this.#disk.sync();
    const { file } = await beginSegment(this.#disk, state, { segment, number, crc: 0 });
    await file.close();
    await removeCleanStop(this.#disk);
  }

  /** As cleaning does: the state in front, what becomes of its topics, what is left, and what groups had committed behind it. */
  async #rewrite({ sealed, front, before, from, behind, last }: Part, logId: string): Promise<void> {
    const [segment, generation] = sealed;
    const writer = await FileWriter.create(this.#disk, segmentName(segment, generation + 1), segment, logId);
    try {
      await writer.frame('state', before, front.encode());
      await writer.frame('change', before, Buffer.from(JSON.stringify(front.changesTo(behind))));
      if (from !== undefined)
        await this.#files.use(segmentName(...sealed), async file => {
          const scan = await FrameScan.open(file);
          for await (const remains of remainsOf(scan, from)) {
            if (remains.frame?.commit === undefined) continue;
            const { appends, batches } = await survivorsOf(scan, remains);
            if (appends.length > 0) await writer.batches('commit', before, appends, batches);
          }
        });
      await writer.batches('commit', last, [], [], behind.allOffsets());
      await writer.seal({ first: before + 1, last });
    } finally {
      await writer.close();
    }
  }

  async #beginning(sealed: SealedSegment): Promise<Beginning | string> {
    const name = segmentName(...sealed);
    if (!this.#names.includes(name)) return 'the file is gone';
    const found = await this.#files.use(name, file => readBeginning(file, sealed));
    return typeof found === 'string' && !found.startsWith('its format')
      ? `it is unreadable from byte 0 on: ${found}`
      : found;
  }

  async #footer(sealed: SealedSegment): Promise<Footer | undefined> {
    const name = segmentName(...sealed);
    return this.#names.includes(name) ? this.#files.use(name, file => readFooter(file, sealed[0])) : undefined;
  }
}

function take({ frame, badBatches }: Remains, place: Place, losses: Losses): void {
  const { head, crc, commit } = frame!;
  losses.missing(takeOver(frame!, place.state));
  for (const { topic, partition, batches } of commit?.appends ?? []) {
    losses.known(topic, partition);
    losses.seen(topic);
    const name = place.state.nameOf(topic);
    for (const batch of batches.filter(each => badBatches.has(each)))
      losses.missing([{ topic: name, partition, from: batch.baseOffset, to: batch.baseOffset + batch.lastDelta + 1 }]);
  }
  place.number = head.number;
  place.crc = crc;
}

/** What a group has committed, what was deleted and what was compacted tells of offsets that were there. */
function raiseEnds(state: LogState, losses: Losses): void {
  const raise = (topic: string, partition: number, to: number) => {
    const found = state.partition(topic, partition);
    if (found === undefined || found.end >= to) return;
    losses.missing([{ topic, partition, from: found.end, to }]);
    found.end = to;
  };
  for (const { name, partitions } of state.topics.values())
    for (const [partition, { start, compacted }] of partitions.entries())
      raise(name, partition, Math.max(start, compacted?.through ?? 0));
  for (const { topic, partition, offset } of state.allOffsets()) raise(state.nameOf(topic), partition, offset);
}

const copyOf = (state: LogState): LogState => LogState.decode(state.encode());
