import type { RowSlot } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Lookup, RowsSite, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { History } from '../history.ts';
import type { Version } from '../history.ts';
import { decode, encode } from '../values.ts';

/**
 * The row of each key and, for a time, the rows before it. The last timestamp wins: a value older than the row's changes its
 * history only, and nothing is handed on. What is older than the table's stream time less the history is dropped as late. As in
 * Kafka Streams' versioned stores (KIP-889), a deletion is a version too.
 */
export function versionedTable(node: ProcessorNode, site: Site): Compiled {
  const { unit, next, needsOld } = site;
  const { serde, toRow } = site.slots['row'] as RowSlot;
  const { latest, history, retentionMs } = storesOf(node, site);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, tombstone, noRow] = [site.drop('null-key'), site.drop('tombstone'), site.drop('no-row')];
  const late = site.drop('late');
  const forget = (slice: string) => {
    history.forget(slice);
    return null;
  };
  const schedule = site.schedule(node.stores[1]!.name, {
    fire: forget,
    discard: forget,
    dueOf: entry => history.dueOf(entry),
  });
  const remember = (key: string, version: Version) => {
    const slice = history.put(key, version);
    if (slice !== null) schedule.add(history.dueOf(slice)!, slice);
  };

  return everyInput(node, value => {
    values[row + IN]!++;
    unit.step = node.id;
    const { storeKey: key, timestamp } = unit;
    if (key === null) return nullKey();
    schedule.advance(timestamp);
    unit.step = node.id;
    if (timestamp < schedule.now - retentionMs) return late();
    const stored = latest.get(key);
    const storedAt = latest.timestamp;
    const isLatest = stored !== null && timestamp >= storedAt;
    // what ends after this value begins, if it is no later than the row
    const following = isLatest
      ? null
      : history.firstEndingAfter(key, timestamp, stored === null ? schedule.now : storedAt);
    const covering = following !== null && following.from <= timestamp ? following : null;
    const before = isLatest ? stored : (covering?.value ?? null);
    const previous = () => (before === null ? null : decode(serde, before, 'value'));
    const current = value === null ? null : toRow(value, previous);
    if (current === undefined) return noRow();
    const bytes = current === null ? null : encode(serde, current, 'row');

    if (following !== null || (stored !== null && !isLatest)) {
      if (covering !== null && covering.from < timestamp) remember(key, { ...covering, to: timestamp });
      const to = covering?.to ?? following?.from ?? storedAt;
      remember(key, { from: timestamp, to, value: bytes });
      return;
    }
    if (stored !== null && storedAt < timestamp) remember(key, { from: storedAt, to: timestamp, value: stored });
    // nothing ended here, so nothing else tells when it was deleted
    else if (bytes === null && history.firstEndingAfter(key, timestamp - 1, timestamp)?.to !== timestamp)
      remember(key, { from: timestamp, to: timestamp, value: null });
    if (bytes === null && stored === null) return tombstone();
    const old = needsOld ? previous() : null;
    latest.put(key, bytes, timestamp);
    values[row + OUT]!++;
    next(current, old);
  });
}

/** The rows as they are, and as they were at a time: null for what is older than the history, unless the row is older too. */
export function versionedRows(node: ProcessorNode, site: RowsSite): Lookup {
  const { serde } = site.slots['row'] as RowSlot;
  const { latest, history, retentionMs } = storesOf(node, site);
  const streamTime = site.streamTime(node.stores[1]!.name);
  const of = (bytes: Uint8Array | null, timestamp: number): unknown => {
    rows.timestamp = timestamp;
    return bytes === null ? null : decode(serde, bytes, 'value');
  };
  const rows = {
    timestamp: -1,
    get: (key: string): unknown => of(latest.get(key), latest.timestamp),
    at(key: string, time: number): unknown {
      const stored = latest.get(key);
      const { timestamp } = latest;
      if (stored !== null && timestamp <= time) return of(stored, timestamp);
      const now = streamTime();
      if (time < now - retentionMs) return null;
      const version = history.firstEndingAfter(key, time, stored === null ? now : timestamp);
      return version === null || version.from > time ? null : of(version.value, version.from);
    },
  };
  return rows;
}

function storesOf(node: ProcessorNode, { store }: Pick<Site, 'store'>) {
  const { retentionMs, sliceMs } = node.options as { retentionMs: number; sliceMs: number };
  const [latest, history] = node.stores;
  return {
    latest: store(latest!.name),
    history: new History(store(history!.name), { retentionMs, sliceMs }),
    retentionMs,
  };
}
