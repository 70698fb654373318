import type { ProcessorNode } from '../../graph/topology.ts';
import type { Compiled, Site } from '../chain.ts';
import { decodeWindows, encodeWindows } from '../kept-windows.ts';
import type { KeptWindow } from '../kept-windows.ts';
import { decode, defined } from '../values.ts';
import { streamAggregate } from './aggregate.ts';
import { rowKey, sessionKeyOf, sessionsKey } from './session-key.ts';
import { encodeState, windowOutput } from './window-output.ts';
import { bytesOfKey } from '../store-key.ts';

interface SessionWindowOptions {
  readonly gapMs: number;
  readonly graceMs: number;
  readonly emit: 'update' | 'final';
}

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
  const late = site.drop('late');
  const output = windowOutput(node, site);
  const isFinal = emit === 'final';
  const dueOf = (end: number): number => end + gapMs + graceMs + 1;

  /** Removes the first session, if it is due. */
  const removeFirst = (storeKey: string, due: number): KeptWindow | null => {
    const [first, ...rest] = decodeWindows(store.get(storeKey));
    if (first === undefined) return null;
    const isDue = dueOf(first.last) <= due;
    if (isDue) store.put(storeKey, encodeWindows(rest), store.timestamp);
    const waiting = isDue ? rest[0] : first;
    if (waiting !== undefined) schedule.add(dueOf(waiting.last), storeKey);
    return isDue ? first : null;
  };

  const schedule = site.schedule(node.stores[0]!.name, {
    fire(storeKey, due) {
      const closed = removeFirst(storeKey, due);
      if (closed !== null && isFinal) output.final(rowKey(sessionKeyOf(storeKey), closed), closed.last, closed.state);
    },
    discard(storeKey, due) {
      const closed = removeFirst(storeKey, due)!;
      return { key: bytesOfKey(rowKey(sessionKeyOf(storeKey), closed)), value: closed.state, timestamp: closed.last };
    },
    dueOf: (_, stored) => dueOf(decodeWindows(stored)[0]!.last),
  });

  return streamAggregate(node, site, aggregator => {
    const { serde } = aggregator;
    const stateOf = ({ state }: KeptWindow): unknown => decode(serde, state, 'value');
    const resultOf = (session: KeptWindow): unknown => (needsOld ? aggregator.result(stateOf(session)) : null);

    return (key, value) => {
      const { timestamp } = unit;
      schedule.advance(timestamp);
      const storeKey = sessionsKey(key);
      const sessions = decodeWindows(store.get(storeKey));
      const from = sessions.findIndex(({ last }) => last >= timestamp - gapMs);
      const met = from < 0 ? [] : sessions.slice(from).filter(({ start }) => start <= timestamp + gapMs);
      const start = Math.min(timestamp, met[0]?.start ?? timestamp);
      const last = Math.max(timestamp, met.at(-1)?.last ?? timestamp);
      if (dueOf(last) <= schedule.now) return late();

      unit.step = node.id;
      const isSame = met.length === 1 && met[0]!.start === start && met[0]!.last === last && start === last;
      const old = isSame ? resultOf(met[0]!) : null;
      if (!isSame && !isFinal)
        for (const session of met) output.change(rowKey(key, session), session.last, null, resultOf(session));
      unit.step = node.id;
      const merged = met.length === 0 ? null : met.map(stateOf).reduce((a, b) => defined(aggregator.merge!(a, b)));
      const state: unknown = defined(aggregator.add(merged ?? aggregator.init(), value));
      const bytes = encodeState(aggregator, state);
      const session: KeptWindow[] = bytes === null ? [] : [{ start, last, isClosed: false, state: bytes }];
      const first = sessions[0]?.last;
      sessions.splice(from < 0 ? sessions.length : from, met.length, ...session);
      store.put(storeKey, encodeWindows(sessions), sessions.at(-1)?.last ?? timestamp);
      if (sessions.length > 0 && (first === undefined || sessions[0]!.last < first))
        schedule.add(dueOf(sessions[0]!.last), storeKey);
      if (!isFinal)
        output.change(rowKey(key, { start, last }), last, state === null ? null : aggregator.result(state), old);
    };
  });
}
