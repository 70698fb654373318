import type { KeptSlot } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import type { Answer } from '../../serdes/foreign-key.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { decode, defined, encode } from '../values.ts';
import type { Reference } from './messages.ts';

/**
 * The result of a foreign-key join, a table by the left rows' keys: takes the answers to the versions that the left rows have
 * now, and what needs no answer: rows that are gone or have no foreign key. The store keeps both sides' values, from which the
 * function makes the row. A row that is deleted, or moves from one foreign key to another, gives a tombstone even where it was
 * never joined, as in Kafka Streams.
 */
export function foreignKeyJoin(node: ProcessorNode, site: Site): Compiled {
  const { unit, next, needsOld } = site;
  const { serde, result } = site.slots['kept'] as KeptSlot<Answer>;
  const isLeft = node.options['left'] === true;
  const store = site.store(node.stores[0]!.name);
  const versions = site.lookup(node.tables[0]!);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [stale, nullForeignKey] = [site.drop('stale'), site.drop('null-foreign-key')];

  const settle = (key: string, joined: Answer | null, always: boolean): void => {
    const stored = store.get(key);
    if (joined === null && stored === null && !always) return;
    const old = stored === null || !needsOld ? null : result(decode(serde, stored, 'value'));
    const current = joined === null ? null : defined(result(joined));
    store.put(key, joined === null ? null : encode(serde, joined, 'state'), unit.timestamp);
    values[row + OUT]!++;
    next(current, old);
  };

  const onAnswer = (value: unknown): void => {
    values[row + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey!;
    const answer = value as Answer;
    if (versions.get(key) !== answer.version) return stale();
    settle(key, answer.right === null && !isLeft ? null : answer, answer.moved);
  };

  const onReference = (value: unknown): void => {
    const { foreignKey, version, left, wasReferring } = value as Reference;
    if (foreignKey !== null) return;
    // a row that leaves has told its former foreign key by now
    values[row + IN]!++;
    unit.step = node.id;
    const key = unit.storeKey!;
    if (left !== null && !isLeft) nullForeignKey();
    const joined = left === null || !isLeft ? null : { version, left, right: null, moved: false };
    settle(key, joined, isLeft || wasReferring);
  };
  return { steps: [onAnswer, onReference] };
}
