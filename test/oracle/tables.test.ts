import { expect, test } from 'vitest';
import { count, json, string, topic, topology } from '../../src/index.ts';
import type { Stream, Topology } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { readCases } from './cases.ts';
import type { OracleCase, OracleInput, OracleOutput } from './cases.ts';

type Kind = OracleCase['topology']['kind'];
type Built<K extends Kind> = (options: Extract<OracleCase['topology'], { kind: K }>) => Topology;

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const input = topic('in', string(), string());
const output = topic('out', string(), string());
const numbers = topic('out', string(), json<number>());

const pair = (l: string | null, r: string | null) => `${l}-${r}`;
const versioned = (ms: number | undefined) => (ms === undefined ? {} : { versioned: ms });
const adder = {
  init: () => '0',
  add: (state: string, value: string) => `${state}+${value}`,
  subtract: (state: string, value: string) => `${state}-${value}`,
  serde: string(),
};

const streamTable: Built<'stream-table'> = ({ mode, versionedMs, graceMs }) =>
  topology('t', t => {
    const stream = t.stream(left);
    const isLeft = mode === 'left';
    const joined = (): Stream<string, string> => {
      if (versionedMs === undefined || graceMs === undefined) {
        const table = t.table('rows', right, versioned(versionedMs));
        return isLeft ? stream.leftJoin('joined', table, pair) : stream.join('joined', table, pair);
      }
      const table = t.table('rows', right, { versioned: versionedMs });
      const options = { grace: graceMs };
      return isLeft ? stream.leftJoin('joined', table, pair, options) : stream.join('joined', table, pair, options);
    };
    joined().as(string()).to(output);
  });

const tableTable: Built<'table-table'> = ({ mode, leftVersionedMs, rightVersionedMs }) =>
  topology('t', t => {
    const l = t.table('lefts', left, versioned(leftVersionedMs));
    const r = t.table('rights', right, versioned(rightVersionedMs));
    const joined =
      mode === 'inner'
        ? l.join('joined', r, pair)
        : mode === 'left'
          ? l.leftJoin('joined', r, pair)
          : l.outerJoin('joined', r, pair);
    joined.as(string()).to(output);
  });

const stream = (build: (grouped: ReturnType<ReturnType<typeof streamOf>['groupByKey']>) => void) =>
  topology('t', t => build(streamOf(t).groupByKey()));
const streamOf = (t: Parameters<Parameters<typeof topology>[1]>[0]) => t.stream(input);

const TOPOLOGIES: { readonly [K in Kind]?: Built<K> } = {
  'stream-table': streamTable,
  'table-table': tableTable,
  'table-aggregate': () =>
    topology('t', t =>
      t
        .table('rows', input)
        .groupBy('by-first', value => value[0]!, string())
        .aggregate('text', adder)
        .to(output),
    ),
  'table-count': ({ versionedMs }) =>
    topology('t', t =>
      t
        .table('rows', input, versioned(versionedMs))
        .groupBy('by-value', value => value, string())
        .aggregate('counted', count())
        .to(numbers),
    ),
  'table-filter': () =>
    topology('t', t =>
      t
        .table('rows', input)
        .filter(value => Number(value.at(-1)) % 2 === 0)
        .to(output),
    ),
  aggregate: () => stream(grouped => grouped.aggregate('text', adder).to(output)),
  reduce: () => stream(grouped => grouped.reduce('text', (state, value) => `${state}+${value}`).to(output)),
  count: () => stream(grouped => grouped.count('counted').to(numbers)),
};

for (const one of readCases()) {
  const build = TOPOLOGIES[one.topology.kind] as Built<never> | undefined;
  if (build === undefined) continue;
  test(one.name, async () => {
    await using driver = await drive(build(one.topology as never));
    const actual: OracleOutput[][] = [];
    for (const { topic: to, key, value, timestamp } of one.inputs) {
      await driver.pipe({ topic: to, key, value, timestamp });
      actual.push(
        (await driver.read<string, string | number>('out')).map(record => ({
          key: record.key,
          value: record.value === null ? null : String(record.value),
          timestamp: record.timestamp,
        })),
      );
    }
    const inOrder = one.topology.kind === 'stream-table' ? actual.map(byKeyWhereTimesAreEqual) : actual;
    expect(told(one.inputs, inOrder)).toEqual(told(one.inputs, one.outputs));
  });
}

/**
 * Without what says nothing to who reads it, which Kafka Streams sends or spares depending on what else reads a table: tombstones
 * of keys that are not live downstream, and results that the tombstone of a row that is not there has repeated.
 */
function told(inputs: readonly OracleInput[], outputs: readonly (readonly OracleOutput[])[]): OracleOutput[][] {
  const live = new Map<string | null, string>();
  return outputs.map((records, index) =>
    records.filter(({ key, value }) => {
      if (value === null) return live.delete(key);
      if (inputs[index]!.value === null && live.get(key) === value) return false;
      live.set(key, value);
      return true;
    }),
  );
}

/** What waited for one time comes out as it came in; Kafka Streams' buffer has it in order of keys. */
const byKeyWhereTimesAreEqual = (records: readonly OracleOutput[]): OracleOutput[] =>
  [...records].sort((a, b) =>
    a.timestamp === b.timestamp
      ? a.key! < b.key!
        ? -1
        : Number(a.key! > b.key!)
      : records.indexOf(a) - records.indexOf(b),
  );
