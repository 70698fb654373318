import type { RowSlot, TopicSlot } from '../graph/functions.ts';
import { changeEvent, debeziumKey, toRow } from '../serdes/index.ts';
import type { Change } from '../serdes/index.ts';
import type { Serde } from '../serdes/serde.ts';
import { checkOptions, checkSerde } from './arguments.ts';
import { refusal } from './refusal.ts';
import { referenceOf, Topic } from './topic.ts';

export interface DebeziumOptions<Key> {
  /** The primary key's column, or its columns in the key's order. */
  readonly key: Key;
  /** Made with as many, if the topic does not exist. */
  readonly partitions?: number;
}

/**
 * A topic of Debezium's change events: a stream of it has `Change<Row>`, a table of it has rows. A record's time is that of the
 * commit, `source.ts_ms`. The key of one column is its value, of several an object of them.
 *
 * `debezium('claimsdb.public.claims', row<ClaimRow>(), { key: 'id' })`
 */
export function debezium<Row extends object, Column extends keyof Row & string>(
  name: string,
  row: Serde<Row>,
  options: DebeziumOptions<Column>,
): Topic<Row[Column], Change<Row>, Row>;
export function debezium<
  Row extends object,
  const Columns extends readonly [keyof Row & string, ...(keyof Row & string)[]],
>(
  name: string,
  row: Serde<Row>,
  options: DebeziumOptions<Columns>,
): Topic<Pick<Row, Columns[number]>, Change<Row>, Row>;
export function debezium<Row extends object>(
  name: string,
  row: Serde<Row>,
  options: DebeziumOptions<string | readonly [string, ...string[]]>,
): unknown {
  checkOptions(`topic '${name}'`, options ?? null, ['key', 'partitions'], { topic: name });
  const { key: columns, partitions } = options;
  if (columns === undefined || columns.length === 0)
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `topic '${name}' takes the column of its primary key, or several: debezium('${name}', row, { key: 'id' }).`,
      { topic: name },
    );
  checkSerde(`the row of topic '${name}'`, row, { topic: name });
  const key = debeziumKey<never>(typeof columns === 'string' ? [columns] : columns);
  const value = changeEvent(row);
  const slot: TopicSlot<never, Change<Row>> = { key, value, timestamp: committedAt };
  const rows: RowSlot<Change<Row>, Row> = { serde: row, toRow };
  const reference = referenceOf(name, key, value, partitions === undefined ? {} : { partitions });
  return new Topic<never, Change<Row>, Row>(reference, slot as unknown as TopicSlot, rows as unknown as RowSlot);
}

const committedAt = (change: Change<unknown>): number => change.source.ts_ms;
