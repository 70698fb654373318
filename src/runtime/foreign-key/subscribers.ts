import type { ProcessorNode } from '../../graph/topology.ts';
import type { Answer, Subscription } from '../../serdes/foreign-key.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Compiled, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { encode } from '../values.ts';
import { Subscriptions } from './subscriptions.ts';
import { bytesOfKey, textOfKey } from '../store-key.ts';

/** An answer on its way: `foreignKeyJoin` gets it under the left row's key. */
interface AddressedAnswer extends Answer {
  readonly key: Uint8Array;
}

/**
 * The right side of a foreign-key join: keeps the left rows of each foreign key, and answers each with the right row when either
 * changes (KIP-213). Where there is no right row it answers too, in an inner join as well, unless the left row had no foreign key
 * before: what it answered last may have been overtaken by the left row's change, and so be dropped.
 */
export function foreignKeySubscribers(node: ProcessorNode, site: Site): Compiled {
  const { unit, next } = site;
  const rightSerde = site.slots['right'] as Serde<unknown>;
  const isLeft = node.options['left'] === true;
  const rows = site.lookup(node.tables[0]!);
  const subscriptions = new Subscriptions(site.store(node.stores[0]!.name));
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const nullKey = site.drop('null-key');
  const encoded = (right: unknown) => (right === null ? null : encode(rightSerde, right, 'value'));
  const answer = (addressed: AddressedAnswer) => {
    values[row + OUT]!++;
    next(addressed, null);
  };

  const onSubscription = (value: unknown): void => {
    values[row + IN]!++;
    unit.step = node.id;
    const { key, version, left, wasReferring, moved } = value as Subscription;
    const foreignKey = unit.storeKey!;
    const { timestamp } = unit;
    const keyText = textOfKey(key);
    if (left === null) return subscriptions.remove(foreignKey, keyText, timestamp);
    subscriptions.put(foreignKey, { key: keyText, version, left, timestamp }, unit.headerBytes);
    const right = rows.get(foreignKey);
    if (right === null && !isLeft && !wasReferring) return;
    if (right !== null) unit.timestamp = Math.max(timestamp, rows.timestamp);
    answer({ key, version, left, right: encoded(right), moved });
    unit.timestamp = timestamp;
  };

  const onRight = (value: unknown): void => {
    values[row + IN]!++;
    unit.step = node.id;
    const foreignKey = unit.storeKey;
    if (foreignKey === null) return nullKey();
    // also where nobody waits: a row that cannot be written must fail as this record, not as a left row's
    const right = encoded(value);
    const { timestamp, otherHeaders } = unit;
    for (const { key, version, left, headers, timestamp: leftTimestamp } of subscriptions.of(foreignKey)) {
      unit.timestamp = Math.max(timestamp, leftTimestamp);
      unit.otherHeaders = headers;
      answer({ key: bytesOfKey(key), version, left, right, moved: false });
    }
    unit.timestamp = timestamp;
    unit.otherHeaders = otherHeaders;
  };
  return { steps: [onSubscription, onRight] };
}
