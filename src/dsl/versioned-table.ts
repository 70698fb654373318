import type { RecordContext } from '../graph/functions.ts';
import type { SerdeFor, ValueFunction } from './flow.ts';
import { Table } from './table.ts';

/**
 * A table that knows for a time what its rows were before: a stream's record meets the row as it was at the record's time, and
 * can wait for it (`{ grace }`). A value older than the row's changes the history alone.
 */
export class VersionedTable<in out K, in out V> extends Table<K, V> {
  /** Never there: tells the compiler that a plain table is none of these. */
  declare readonly asOf: (key: K, timestamp: number) => V | null;

  override filter<W extends V>(predicate: (row: V, record: RecordContext<K>) => row is W): VersionedTable<K, W>;
  override filter(predicate: ValueFunction<K, V, boolean>): VersionedTable<K, V>;
  override filter(predicate: ValueFunction<K, V, boolean>): VersionedTable<K, V> {
    return super.filter(predicate) as VersionedTable<K, V>;
  }

  override map<R>(fn: ValueFunction<K, V, R>): VersionedTable<K, R> {
    return super.map(fn) as VersionedTable<K, R>;
  }

  override as<W>(value: SerdeFor<V, W>): VersionedTable<K, W>;
  override as<W = V>(serdes: { readonly key?: SerdeFor<K, K>; readonly value?: SerdeFor<V, W> }): VersionedTable<K, W>;
  override as<W>(serdes: never): VersionedTable<K, W> {
    return super.as<W>(serdes) as VersionedTable<K, W>;
  }
}
