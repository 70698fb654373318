import { tap } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { TopologyError } from '../../src/errors.ts';
import type { Node } from '../../src/graph/topology.ts';
import { validate } from '../../src/graph/validate.ts';
import { count, json, string, topic, topology, tumbling, within } from '../../src/index.ts';
import type { TopologyBuilder } from '../../src/index.ts';

const refusal = (run: () => unknown): TopologyError => {
  try {
    run();
  } catch (error) {
    if (error instanceof TopologyError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

const TEXT = { type: 'string' } as const;
const source = (id: string, name = id): Node => ({
  id,
  inputs: [],
  kind: 'source',
  topic: { name, key: TEXT, value: TEXT },
  readFirst: false,
});
const step = (id: string, ...inputs: string[]): Node => ({ id, inputs, kind: 'transform', op: 'filter', table: false });
const sink = (id: string, input: string, name = id): Node => ({
  id,
  inputs: [input],
  kind: 'sink',
  topic: { name, key: TEXT, value: TEXT },
});
const table = (id: string, input: string, store?: Partial<{ renamedFrom: string }>): Node => ({
  id,
  inputs: [input],
  kind: 'processor',
  processor: 'table',
  table: true,
  stores: [{ name: id, key: TEXT, value: TEXT, ...store }],
  tables: [],
  options: {},
});
const check = (...nodes: Node[]) => refusal(() => validate({ name: 'app', nodes }));

describe('a graph', () => {
  test('that can run is accepted', () => {
    validate({ name: 'app', nodes: [source('a'), step('b', 'a'), sink('c', 'b')] });
  });

  test.each([
    ['two nodes with one id', [source('a'), step('a', 'a')], /two nodes have the id 'a'/],
    ['an unknown input', [source('a'), step('b', 'x')], /'b' reads 'x', which is not there/],
    ['a step without an input', [source('a'), step('b')], /'b' has no input/],
    ['a sink that is read', [source('a'), sink('b', 'a'), step('c', 'b')], /reads the sink 'b'/],
    [
      'a circle',
      [source('a'), step('b', 'a', 'd'), step('c', 'b'), step('d', 'c')],
      /in a circle: 'b' → 'c' → 'd' → 'b'/,
    ],
    [
      'a node before its input',
      [source('a'), step('c', 'b'), step('b', 'a')],
      /'c' reads 'b', which is declared behind it/,
    ],
    ['no source', [], /reads no topic/],
    ['a kind nobody knows', [source('a'), { id: 'b', inputs: ['a'], kind: 'magic' } as never], /unknown kind, 'magic'/],
    ['two sources of one topic', [source('a'), source('b', 'a')], /read by two sources/],
  ] satisfies [string, Node[], RegExp][])('with %s is refused', (_, nodes, message) => {
    expect(check(...nodes).message).toMatch(message);
  });

  test('that uses its own changelog as another topic is refused', () => {
    expect(check(source('a'), table('rows', 'a'), sink('out', 'rows', 'app-rows-changelog'))).toMatchObject({
      code: 'TOPO_TOPIC_CONFLICT',
      message: expect.stringMatching(/the changelog of 'rows'/) as string,
    });
    expect(check(source('a', 'app.dead-letters'))).toMatchObject({ code: 'TOPO_TOPIC_CONFLICT' });
  });

  test('that moves one store to two places is refused', () => {
    const rows = table('rows', 'a', { renamedFrom: 'old' });
    expect(check(source('a'), rows, table('more', 'a', { renamedFrom: 'old' }))).toMatchObject({
      code: 'TOPO_NAME_TAKEN',
    });
    expect(check(source('a'), rows, table('old', 'a'))).toMatchObject({ code: 'TOPO_NAME_TAKEN' });
  });

  test('with a repartition that nothing can write is refused', () => {
    const key: Node = { id: 'by', inputs: ['a'], kind: 'key', table: false, key: TEXT };
    expect(check(source('a'), key, table('rows', 'by'))).toMatchObject({
      code: 'TOPO_SERDE_MISSING',
      place: { step: 'by' },
    });
    validate({ name: 'app', nodes: [source('a'), key, sink('out', 'by')] });
  });
});

const orders = (partitions?: number) =>
  topic('orders', string(), string(), partitions === undefined ? {} : { partitions });
const clients = (partitions?: number) =>
  topic('clients', string(), string(), partitions === undefined ? {} : { partitions });
const build = (declare: (t: TopologyBuilder) => void) => topology('app', declare);

describe('partition counts', () => {
  const joined = (left: number | undefined, right: number | undefined) => (t: TopologyBuilder) =>
    t
      .stream(orders(left))
      .join('with-client', t.table('clients', clients(right)), order => order)
      .to(topic('out', string(), string()));

  test('that differ in a join are refused, naming topics, counts and the fix', () => {
    const { code, message, place } = refusal(() => build(joined(4, 6)));
    expect({ code, place }).toEqual({
      code: 'TOPO_PARTITIONS_DIFFER',
      place: { topology: 'app', step: 'with-client' },
    });
    expect(message).toMatch(
      /topic orders \(4 partitions\) and topic clients \(6\).*one count, or put \.repartition\('a-name'\) in front of 'with-client'/,
    );
  });

  test('that differ are mended by the repartition that the message proposes, on either side', () => {
    build(t =>
      t
        .stream(orders(4))
        .repartition('a-name')
        .join('with-client', t.table('clients', clients(6)), order => order),
    );
    build(t => {
      const table = t.stream(clients(6)).repartition('a-name').toTable('another-name');
      t.stream(orders(4)).join('with-client', table, order => order);
    });
  });

  const repartitioned = (left: number | undefined, right: number | undefined) => (t: TopologyBuilder) => {
    const of = (partitions: number | undefined) => (partitions === undefined ? {} : { partitions });
    const stream = t.stream(orders(5));
    stream.repartition('one', of(left)).join('pairs', stream.repartition('other', of(right)), within('1 s'), () => '');
  };

  test('of two repartitions that differ: the fix is to leave one out', () => {
    const { message } = refusal(() => build(repartitioned(3, 4)));
    expect(message).toMatch(
      /the repartition of 'one' \(3 partitions\) and the repartition of 'other' \(4\).*Give both one count, or leave it out in one/,
    );
    build(repartitioned(3, undefined));
    build(repartitioned(undefined, 4));
  });

  test('of a repartition and a topic that differ: the fix is to leave that of the repartition out', () => {
    const joins = (partitions: object) => (t: TopologyBuilder) =>
      t
        .stream(orders(4))
        .repartition('one', partitions)
        .join('both', t.table('clients', clients(6)), order => order);
    const { message } = refusal(() => build(joins({ partitions: 3 })));
    expect(message).toMatch(
      /'one' \(3 partitions\) and topic clients \(6\).*Leave out the partitions of 'one': it takes those/,
    );
    build(joins({}));
  });

  test('that agree, or that the file does not tell, are accepted', () => {
    build(joined(4, 4));
    build(joined(4, undefined));
    build(joined(undefined, undefined));
  });

  test('do not matter in front of a keyBy, whose repartition takes the other side’s', () => {
    build(t => {
      const byClient = t.stream(orders(4)).keyBy('by-client', order => order);
      byClient.join('with-client', t.table('clients', clients(6)), order => order);
    });
  });

  test('are compared across all consumers of one keyBy', () => {
    const { message, place } = refusal(() =>
      build(t => {
        const byClient = t.stream(orders()).keyBy('by-client', order => order);
        byClient.join('with-client', t.table('clients', clients(6)), order => order);
        byClient.join(
          'with-agent',
          t.table('agents', topic('agents', string(), string(), { partitions: 3 })),
          order => order,
        );
      }),
    );
    expect(place.step).toBe('with-agent');
    expect(message).toMatch(
      /the repartition of 'by-client' \(6 partitions, as topic clients has\) and topic agents \(3\).*Put \.repartition\('a-name'\) between 'by-client' and 'with-agent'/,
    );
    build(t => {
      const byClient = t.stream(orders()).keyBy('by-client', order => order);
      byClient.join('with-client', t.table('clients', clients(6)), order => order);
      const agents = topic('agents', string(), string(), { partitions: 3 });
      byClient.repartition('a-name').join('with-agent', t.table('agents', agents), order => order);
    });
  });

  test('of merged topics are compared', () => {
    const { code } = refusal(() =>
      build(t =>
        t
          .stream(orders(4))
          .merge(t.stream(clients(6)))
          .groupByKey()
          .count('n'),
      ),
    );
    expect(code).toBe('TOPO_PARTITIONS_DIFFER');
    build(t =>
      t
        .stream(orders(4))
        .merge(t.stream(clients(6)))
        .to(topic('out', string(), string())),
    );
  });
});

describe('a step that needs equal keys together', () => {
  const piped = (t: TopologyBuilder) => t.stream(orders()).pipe(tap()).as(string());
  type Piped = ReturnType<typeof piped>;
  const table = (t: TopologyBuilder) => t.table('clients', clients());
  const fn = () => '';
  const keyed: [string, (stream: Piped, t: TopologyBuilder) => unknown][] = [
    ['an aggregate', stream => stream.groupByKey().count('step')],
    ['a windowed one', stream => stream.groupByKey().window(tumbling('1 h')).count('step')],
    ['a cogroup', (stream, t) => t.stream(orders()).groupByKey().cogroup({ a: count() }).and(stream.groupByKey(), { b: count() }).aggregate('step')],
    ['a join with a table', (stream, t) => stream.join('step', table(t), fn)],
    ['a left join of streams', (stream, t) => stream.leftJoin('step', t.stream(clients()), within(1), fn)],
    ['a join whose right side it is', (stream, t) => t.stream(clients()).join('step', stream, within(1), fn)],
    ['a table of the stream', stream => stream.toTable('step')],
    ['a dedupe', stream => stream.dedupe('step', { by: order => order, within: '1 h' })],
    ['a twin', stream => stream.pairwise('step')],
    ['a process', stream => stream.process('step', { record: () => {} })],
    ['a mapAsync by key', stream => stream.mapAsync('step', async order => order)],
    ['one behind other steps', (stream, t) => t.stream(clients()).merge(stream.filter(Boolean).split({ all: () => true }).all).groupByKey().count('step')],
  ]; // prettier-ignore

  test.each(keyed)('is refused behind a pipe: %s', (_, declare) => {
    const { code, message, place } = refusal(() => build(t => void declare(piped(t), t)));
    expect({ code, place }).toEqual({ code: 'TOPO_GRAPH_INVALID', place: { topology: 'app', step: 'step' } });
    expect(message).toMatch(
      /'step' needs equal keys in one partition, and the operators of 'pipe' .*\.repartition\('a-name'\) between them.*keyBy/,
    );
  });

  test.each(keyed)('is accepted behind a pipe and what partitions by key: %s', (_, declare) => {
    build(t => void declare(piped(t).repartition('between'), t));
    build(
      t =>
        void declare(
          piped(t).keyBy('between', (_, { key }) => key, string()),
          t,
        ),
    );
  });

  test('is no sink, no join with a global table, no mapAsync of another order and no other pipe', () => {
    build(t => piped(t).to(topic('out', string(), string())));
    build(t => piped(t).join('step', t.globalTable('clients', clients()), fn, fn));
    build(t => piped(t).mapAsync('step', async order => order, { order: 'partition' }));
    build(t =>
      piped(t)
        .mapAsync('step', async order => order, { order: 'none' })
        .pipe(tap()),
    );
  });
});

describe('a topic that is read and written', () => {
  test('is refused when every record leads to another', () => {
    expect(
      refusal(() =>
        build(t =>
          t
            .stream(orders())
            .map(order => `${order}!`)
            .to(orders()),
        ),
      ).message,
    ).toMatch(/every record of topic orders leads to another one on it, for ever/);
    const counted = (t: TopologyBuilder) => t.table('orders-table', orders()).to(orders());
    expect(refusal(() => build(counted))).toMatchObject({ code: 'TOPO_GRAPH_INVALID' });
  });

  test('is accepted when a step on the way can drop a record', () => {
    build(t =>
      t
        .stream(orders())
        .filter(order => order.length < 10)
        .map(order => `${order}!`)
        .to(orders()),
    );
    build(t =>
      t
        .stream(orders())
        .flatMap(order => order.split(',').slice(1))
        .to(orders()),
    );
  });

  test('has one pair of serdes', () => {
    const other = topic('orders', string(), json<string>());
    const { code, message } = refusal(() => build(t => t.stream(orders()).filter(Boolean).to(other)));
    expect(code).toBe('TOPO_TOPIC_CONFLICT');
    expect(message).toMatch(/topic orders is declared twice, with different serdes/);
  });
});
