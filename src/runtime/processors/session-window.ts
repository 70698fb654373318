import type { Aggregator } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import type { Compiled, Site } from '../chain.ts';
import { FRAME_BYTES, decodeWindows, encodeWindows } from '../kept-windows.ts';
import type { KeptWindow } from '../kept-windows.ts';
import type { StateForm } from '../store.ts';
import { defined } from '../values.ts';
import { streamAggregate } from './aggregate.ts';
import { rowKey, sessionKeyOf, sessionsKey } from './session-key.ts';
import { keptForm } from './states.ts';
import { windowOutput } from './window-output.ts';
import { bytesOfKey } from '../store-key.ts';

interface SessionWindowOptions {
  readonly gapMs: number;
  readonly graceMs: number;
  readonly emit: 'update' | 'final';
}

/** With its state as `keptForm` keeps it. */
type Session = KeptWindow<unknown>;

const NONE: readonly Session[] = [];

/**
 * An aggregate a key and session [first record, last record]: records with gaps of `gapMs` at most between them. A record that
 * falls between sessions makes one of them: those before are retracted, each with a tombstone at its own end. A session is closed
 * when stream time passes its end + gap + grace; nothing joins it then.
 *
 * The open sessions of a key lie in one value, in their order: more than (grace + 2 gap) / gap there cannot be.
 */
export function sessionWindow(node: ProcessorNode, site: Site): Compiled {
  const { unit, needsOld } = site;
  const { gapMs, graceMs, emit } = node.options as unknown as SessionWindowOptions;
  const store = site.store(node.stores[0]!.name);
  const kept = keptForm(site.slots['aggregator'] as Aggregator);
  store.form = sessionsForm(kept);
  const late = site.drop('late');
  const output = windowOutput(node, site);
  const isFinal = emit === 'final';
  const dueOf = (end: number): number => end + gapMs + graceMs + 1;
  const sessionsIn = (storeKey: string) => (store.getState(storeKey) ?? NONE) as readonly Session[];
  const write = (storeKey: string, sessions: readonly Session[], timestamp: number) =>
    store.putState(storeKey, sessions.length === 0 ? null : sessions, timestamp);

  /** Removes the first session, if it is due. */
  const removeFirst = (storeKey: string, due: number): Session | null => {
    const [first, ...rest] = sessionsIn(storeKey);
    if (first === undefined) return null;
    const isDue = dueOf(first.last) <= due;
    if (isDue) write(storeKey, rest, store.timestamp);
    const waiting = isDue ? rest[0] : first;
    if (waiting !== undefined) schedule.add(dueOf(waiting.last), storeKey);
    return isDue ? first : null;
  };

  const schedule = site.schedule(node.stores[0]!.name, {
    fire(storeKey, due) {
      const closed = removeFirst(storeKey, due);
      if (closed !== null && isFinal)
        output.final(rowKey(sessionKeyOf(storeKey), closed), closed.last, kept.load(closed.state));
    },
    discard(storeKey, due) {
      const closed = removeFirst(storeKey, due)!;
      const key = bytesOfKey(rowKey(sessionKeyOf(storeKey), closed));
      return { key, value: kept.encode(closed.state), timestamp: closed.last };
    },
    dueOf: (_, stored) => dueOf(decodeWindows(stored)[0]!.last),
  });

  return streamAggregate(node, site, aggregator => {
    const resultOf = ({ state }: Session): unknown => (needsOld ? aggregator.result(kept.load(state)) : null);

    return (key, value) => {
      const { timestamp } = unit;
      schedule.advance(timestamp);
      const storeKey = sessionsKey(key);
      const sessions = sessionsIn(storeKey);
      const { length } = sessions;
      // what the record meets: those from `from` to before `to`
      let from = 0;
      while (from < length && sessions[from]!.last < timestamp - gapMs) from++;
      let to = from;
      while (to < length && sessions[to]!.start <= timestamp + gapMs) to++;
      const start = from < to ? Math.min(timestamp, sessions[from]!.start) : timestamp;
      const last = from < to ? Math.max(timestamp, sessions[to - 1]!.last) : timestamp;
      if (dueOf(last) <= schedule.now) return late();

      unit.step = node.id;
      const isSame =
        to - from === 1 && start === last && sessions[from]!.start === start && sessions[from]!.last === last;
      const old = isSame ? resultOf(sessions[from]!) : null;
      if (!isSame && !isFinal)
        for (let at = from; at < to; at++) {
          const session = sessions[at]!;
          output.change(rowKey(key, session), session.last, null, resultOf(session));
        }
      unit.step = node.id;
      let state: unknown = from < to ? kept.load(sessions[from]!.state) : null;
      for (let at = from + 1; at < to; at++) state = defined(aggregator.merge!(state, kept.load(sessions[at]!.state)));
      state = defined(aggregator.add(state ?? aggregator.init(), value));
      const changed: readonly Session[] =
        state === null ? NONE : [{ start, last, isClosed: false, state: kept.save(state) }];
      const isAlone = from === 0 && to === length;
      const after = isAlone ? changed : [...sessions.slice(0, from), ...changed, ...sessions.slice(to)];
      write(storeKey, after, after.length > 0 ? after[after.length - 1]!.last : timestamp);
      if (after.length > 0 && (length === 0 || after[0]!.last < sessions[0]!.last))
        schedule.add(dueOf(after[0]!.last), storeKey);
      if (!isFinal)
        output.change(rowKey(key, { start, last }), last, state === null ? null : aggregator.result(state), old);
    };
  });
}

/** The sessions of one key, as they lie in the store's memory. */
const sessionsForm = (kept: StateForm): StateForm => ({
  encode: sessions =>
    encodeWindows(
      (sessions as readonly Session[]).map(session => ({ ...session, state: kept.encode(session.state) })),
    )!,
  decode: bytes => decodeWindows(bytes).map(session => ({ ...session, state: kept.decode(session.state) })),
  sizeOf(sessions) {
    let size = 1;
    for (const { state } of sessions as readonly Session[]) size += FRAME_BYTES + kept.sizeOf(state);
    return size;
  },
});
