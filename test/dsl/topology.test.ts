import { describe, expect, test } from 'vitest';
import {
  cents,
  count,
  debezium,
  json,
  min,
  row,
  string,
  sum,
  topN,
  topic,
  topology,
  TopologyError,
  tumbling,
} from '../../src/index.ts';
import type { Stream, Topology, TopologyBuilder } from '../../src/index.ts';
import { isTopology } from '../../src/graph/brand.ts';

interface Claim {
  id: string;
  policy: string;
  status: 'OPEN' | 'CLOSED';
  paid: string;
}
interface Policy {
  id: string;
  product: string;
}

const claims = topic('claims', string(), json<Claim>());
const policies = topic('policies', string(), json<Policy>());
const out = topic('out', string(), json());
const claimChanges = debezium('db.claims', row<Claim>(), { key: 'id' });
const policyChanges = debezium('db.policies', row<Policy>(), { key: 'id' });

const built = (build: (t: TopologyBuilder) => void): Topology => topology('app', build);
const shape = ({ nodes }: Topology) => nodes.map(({ id, kind, inputs }) => `${inputs.join(' + ')} > ${kind} ${id}`);
const node = (from: Topology, id: string) => from.nodes.find(node => node.id === id);
const refusal = (build: (t: TopologyBuilder) => void): TopologyError => {
  try {
    built(build);
  } catch (error) {
    if (error instanceof TopologyError) return error;
    throw error;
  }
  throw new Error('it was built');
};

describe('a topology', () => {
  test('is plain data that survives JSON, with functions and serdes apart', () => {
    const { nodes, functions } = built(t =>
      t
        .stream(claims)
        .filter(claim => claim.status === 'OPEN')
        .to(out),
    );
    expect(JSON.parse(JSON.stringify(nodes))).toEqual(nodes);
    expect(Object.keys(functions)).toEqual(['claims', 'filter', 'out']);
    expect(functions['claims']!['topic']).toBe(claims.slot);
  });

  test('is known by its brand, whichever copy of the package made it', () => {
    expect(isTopology(built(t => t.stream(claims).to(out)))).toBe(true);
    expect(isTopology({ name: 'app', nodes: [], functions: {} })).toBe(false);
    expect(isTopology(null)).toBe(false);
  });

  test('cannot be changed', () => {
    const { nodes } = built(t => t.stream(claims).to(out));
    expect(() => (nodes as unknown[]).push({})).toThrow(TypeError);
    expect(() => Object.assign(nodes[0]!, { id: 'other' })).toThrow(TypeError);
  });

  test('lists its nodes in declaration order, with numbered ids for unnamed steps', () => {
    expect(
      shape(
        built(t => {
          const open = t.stream(claims).filter(claim => claim.status === 'OPEN');
          open.filter(claim => claim.paid !== '0.00').to(out);
          open.peek(() => {}).to(out);
        }),
      ),
    ).toEqual([
      ' > source claims',
      'claims > transform values',
      'values > transform filter',
      'filter > transform filter-2',
      'filter-2 > sink out',
      'filter > transform peek',
      'peek > sink out-2',
    ]);
  });

  test('keeps the names that its author gave, and renames what is unnamed', () => {
    expect(
      shape(
        built(t => {
          t.stream(claims)
            .filter(() => true)
            .groupByKey()
            .count('filter')
            .to(out);
          t.table('policies', policies);
        }),
      ),
    ).toEqual([
      ' > source claims',
      'claims > transform values',
      'values > transform filter-2',
      'filter-2 > processor filter',
      'filter > transform toStream',
      'toStream > sink out',
      ' > source policies-2',
      'policies-2 > processor policies',
    ]);
  });

  test('reads a topic once: its stream and its table are branches of one source', () => {
    const graph = built(t => {
      t.stream(claimChanges)
        .map(change => change.op)
        .to(out);
      t.stream(claimChanges)
        .map(change => change.ts_ms)
        .to(out);
      t.table('claims', claimChanges).to(out);
    });
    expect(graph.nodes.filter(({ kind }) => kind === 'source')).toHaveLength(1);
    expect(graph.nodes.filter(node => node.kind === 'transform' && node.op === 'values')).toHaveLength(1);
    expect(node(graph, 'claims')).toMatchObject({
      inputs: ['db.claims'],
      stores: [{ name: 'claims', value: { type: 'json' } }],
    });
  });

  test('with the same topic declared in two equal ways reads it once', () => {
    const graph = built(t => {
      t.stream(topic('claims', string(), json<Claim>())).to(out);
      t.table('claims', topic('claims', string(), json<Claim>()));
    });
    expect(graph.nodes.filter(({ kind }) => kind === 'source')).toHaveLength(1);
  });

  test('that is built by an async function is refused', () => {
    const build = async (t: TopologyBuilder) => t.stream(claims).to(out);
    expect(refusal(build as unknown as (t: TopologyBuilder) => void)).toMatchObject({ code: 'TOPO_GRAPH_INVALID' });
  });

  test('takes no step after it was built', () => {
    let kept: Stream<string, Claim> | undefined;
    built(t => (kept = t.stream(claims)).to(out));
    expect(() => kept!.to(out)).toThrow(/after topology 'app' was built/);
  });

  test('that cannot run is refused with the place of the step that cannot, wherever that shows', () => {
    const lines = (build: (t: TopologyBuilder) => void) =>
      /\(test\/dsl\/topology\.test\.ts:(\d+)\)$/.exec(refusal(build).message)?.[1];
    const line = Number(/:(\d+):\d+\)?$/.exec(new Error('here').stack!.split('\n')[1]!)![1]);
    const late = lines(t => {
      const lengths = t.stream(claims).map(claim => claim.policy.length);
      const other = t.stream(policies);
      lengths.groupBy('by-length', length => length, json<number>()).count('n');
      other.to(out);
    });
    expect(Number(late)).toBe(line + 4);
    const atOnce = lines(t => {
      t.stream(claims)
        .filter(() => true)
        .groupByKey()
        .window(tumbling('1 hour' as '1 h'));
    });
    expect(Number(atOnce)).toBe(line + 12);
  });

  test('that reads nothing is refused', () => {
    expect(refusal(() => {}).message).toMatch(/reads no topic/);
  });

  test('joins no stream of another topology', () => {
    let other: Stream<string, Claim> | undefined;
    topology('other', t => (other = t.stream(claims)).to(out));
    expect(refusal(t => t.stream(claims).merge(other!).to(out)).message).toMatch(/two topologies, 'app' and 'other'/);
  });

  test('takes functions where functions are due', () => {
    const fn = undefined as unknown as () => boolean;
    expect(refusal(t => t.stream(claims).filter(fn).to(out)).message).toMatch(
      /'filter' takes a function, not undefined/,
    );
  });

  test('says that a step takes its name first, where that was left out', () => {
    const keyBy = (stream: Stream<string, Claim>) =>
      stream.keyBy<string>(((claim: Claim) => claim) as never, undefined as never);
    const { code, message } = refusal(t => keyBy(t.stream(claims)).to(out));
    expect(code).toBe('TOPO_NAME_INVALID');
    expect(message).toMatch(/takes its name first, as in keyBy\('by-policy', fn\), and was given a function/);
  });
});

describe('names', () => {
  test('that are equal are refused, saying both places', () => {
    const { code, message } = refusal(t => {
      t.stream(claims).keyBy('by-policy', claim => claim.policy, string());
      t.table('by-policy', policies);
    });
    expect(code).toBe('TOPO_NAME_TAKEN');
    expect(message).toMatch(
      /'by-policy' names both a keyBy \(test\/dsl\/topology\.test\.ts:\d+\) and a table \(test\/dsl\/topology\.test\.ts:\d+\)/,
    );
  });

  test.each(['', 'by policy', 'über', '..', 'a/b'])('%j is refused', name => {
    expect(refusal(t => t.stream(claims).keyBy(name, claim => claim.policy))).toMatchObject({
      code: 'TOPO_NAME_INVALID',
    });
    expect(() => topology(name, t => t.stream(claims).to(out))).toThrow(
      expect.objectContaining({ code: 'TOPO_NAME_INVALID' }),
    );
    expect(() => topic(name, string(), string())).toThrow(expect.objectContaining({ code: 'TOPO_NAME_INVALID' }));
  });

  test('leave room for the topics named after them', () => {
    const longest = 'x'.repeat(249 - 'app--repartition'.length);
    built(t => t.stream(claims).keyBy(longest, claim => claim.policy));
    expect(refusal(t => t.stream(claims).keyBy(`${longest}x`, claim => claim.policy))).toMatchObject({
      code: 'TOPO_NAME_INVALID',
      place: { step: `${longest}x` },
    });
  });
});

describe('serdes', () => {
  test('of a key come from the other side of a join', () => {
    const graph = built(t =>
      t
        .stream(claimChanges)
        .filter(change => change.after !== null)
        .keyBy('by-policy', change => change.after.policy)
        .leftJoin('with-policy', t.table('policies', policyChanges, { readFirst: true }), claim => claim)
        .to(out),
    );
    expect(node(graph, 'by-policy')).toMatchObject({
      key: { type: 'debezium-key', fields: ['id'] },
      value: { type: 'debezium' },
    });
    expect(graph.functions['by-policy']).toMatchObject({ key: policyChanges.slot.key, value: claimChanges.slot.value });
    expect(node(graph, 'db.policies')).toMatchObject({ readFirst: true });
  });

  test('of a key come from a join behind an aggregate of the same key step', () => {
    const graph = built(t => {
      const byPolicy = t.stream(claims).keyBy('by-policy', claim => claim.policy);
      byPolicy.groupByKey().count('claims-of');
      byPolicy.join('with-policy', t.table('policies', policies), claim => claim);
    });
    expect(node(graph, 'claims-of')).toMatchObject({ stores: [{ key: { type: 'string' } }] });
  });

  test('of a key are refused where two consumers differ, proposing a second keyBy', () => {
    const { code, message, place } = refusal(t => {
      const byPolicy = t.stream(claims).keyBy('by-policy', claim => claim.policy);
      byPolicy.join('with-policy', t.table('policies', policies), claim => claim);
      byPolicy.join('with-change', t.table('policy-rows', policyChanges), claim => claim);
    });
    expect({ code, place }).toEqual({ code: 'TOPO_SERDE_CONFLICT', place: { topology: 'app', step: 'with-change' } });
    expect(message).toMatch(/string \(from topic policies\) and as debezium-key \(id\) \(from topic db\.policies\)/);
    expect(message).toMatch(/put a second keyBy in front of 'with-change'/);
  });

  test('of the keys of two topics are compared too', () => {
    const { code, message } = refusal(t => t.stream(claims).join('rows', t.table('claim-rows', claimChanges), c => c));
    expect(code).toBe('TOPO_SERDE_CONFLICT');
    expect(message).toMatch(/Put a keyBy in front of 'rows'/);
  });

  test('of a key that nobody brings are missed, naming the step and its consumer', () => {
    const { code, message, place } = refusal(t =>
      t
        .stream(claims)
        .groupBy('by-policy', c => c.policy)
        .count('claims-of'),
    );
    expect({ code, place }).toEqual({ code: 'TOPO_SERDE_MISSING', place: { topology: 'app', step: 'by-policy' } });
    expect(message).toMatch(/'claims-of' needs the keys of 'by-policy'.*third argument/);
  });

  test('of a key are not needed where no step needs equal keys together', () => {
    const graph = built(t =>
      t
        .stream(claims)
        .keyBy('by-policy', claim => claim.policy)
        .to(out),
    );
    expect(node(graph, 'by-policy')).not.toHaveProperty('key');
  });

  test('of values follow the stream until map changes the type', () => {
    const counted = (t: TopologyBuilder) => t.stream(claims).map(claim => claim.policy);
    const { code, message, place } = refusal(t =>
      counted(t)
        .groupBy('by-policy', p => p, string())
        .count('claims-of'),
    );
    expect({ code, place }).toEqual({ code: 'TOPO_SERDE_MISSING', place: { topology: 'app', step: 'by-policy' } });
    expect(message).toMatch(/values are written.*\.as\(serde\)/);

    const declared = built(t =>
      counted(t)
        .as(string())
        .groupBy('by-policy', p => p, string())
        .count('claims-of'),
    );
    expect(node(declared, 'by-policy')).toMatchObject({ value: { type: 'string' } });
    const behind = built(t =>
      counted(t)
        .keyBy('by-policy', p => p, string())
        .as(string())
        .groupByKey()
        .count('claims-of'),
    );
    expect(node(behind, 'by-policy')).toMatchObject({ value: { type: 'string' } });
    expect(behind.functions['by-policy']!['value']).toBe(string());
  });

  test('of a table that is grouped carry the old and the new row', () => {
    const graph = built(t =>
      t
        .table('claims', claimChanges)
        .groupBy('by-policy', c => c.policy, string())
        .count('claims-of'),
    );
    expect(node(graph, 'by-policy')).toMatchObject({ table: true, value: { type: 'change', of: { type: 'json' } } });
    expect(node(graph, 'claims-of')).toMatchObject({ processor: 'aggregateTable' });
  });

  test('of a store that nothing gives are missed', () => {
    expect(
      refusal(t =>
        t
          .stream(claims)
          .map(c => c.policy)
          .toTable('latest'),
      ),
    ).toMatchObject({
      code: 'TOPO_SERDE_MISSING',
      place: { step: 'latest' },
    });
    expect(
      refusal(t =>
        t
          .stream(claims)
          .map(c => c.policy)
          .groupByKey()
          .reduce('latest', (_, p) => p),
      ),
    ).toMatchObject({
      code: 'TOPO_SERDE_MISSING',
      place: { step: 'latest' },
    });
    const graph = built(t =>
      t
        .stream(claims)
        .map(c => c.policy)
        .toTable('latest', string())
        .to(out),
    );
    expect(node(graph, 'latest')).toMatchObject({ stores: [{ value: { type: 'string' } }] });
  });

  test('declared with .as give the key of a key step', () => {
    const graph = built(t =>
      t
        .stream(claims)
        .keyBy('by-policy', c => c.policy)
        .as({ key: string() })
        .groupByKey()
        .count('claims-of'),
    );
    expect(node(graph, 'by-policy')).toMatchObject({ key: { type: 'string' }, value: { type: 'json' } });
  });

  test('of merged streams are one: the known key serves the unknown', () => {
    const graph = built(t =>
      t
        .stream(claims)
        .keyBy('by-policy', c => c.policy)
        .merge(t.stream(topic('more', string(), json<Claim>())))
        .groupByKey()
        .count('n'),
    );
    expect(node(graph, 'by-policy')).toMatchObject({ key: { type: 'string' } });
    expect(
      refusal(t =>
        t
          .stream(claims)
          .merge(t.stream(topic('more', json<string>(), json<Claim>())))
          .groupByKey()
          .count('n'),
      ),
    ).toMatchObject({ code: 'TOPO_SERDE_CONFLICT' });
  });
});

describe('topics', () => {
  test('read both as a stream and as a readFirst table are refused, in either order', () => {
    for (const build of [
      (t: TopologyBuilder) => void [t.stream(claims), t.table('claims', claims, { readFirst: true })],
      (t: TopologyBuilder) => void [t.table('claims', claims, { readFirst: true }), t.stream(claims)],
    ])
      expect(refusal(build)).toMatchObject({ code: 'TOPO_TOPIC_CONFLICT' });
  });

  test.each([
    ['serdes', topic('claims', string(), string())],
    ['partition counts', topic('claims', string(), json<Claim>(), { partitions: 3 })],
    ['timestamps or rows', topic('claims', string(), json<Claim>(), { timestamp: () => 0 })],
  ])('declared with different %s are refused', (what, other) => {
    const { code, message } = refusal(t => {
      t.stream(claims).to(out);
      t.table('again', other as typeof claims);
    });
    expect(code).toBe('TOPO_TOPIC_CONFLICT');
    expect(message).toContain(`different ${what}`);
  });
});

describe('tables', () => {
  test('that keep no rows of their own cannot be looked up', () => {
    const { message } = refusal(t => {
      const held = t.stream(claims).groupByKey().count('counted').suppress('held', { timeLimit: '1 min' });
      t.stream(claims).join('with-count', held, claim => claim);
    });
    expect(message).toMatch(/looks up 'held'.*toStream\(\)\.toTable\('a-name'\)/);
  });

  test('behind a filter or a map are looked up through it', () => {
    built(t => {
      const motor = t.table('policies', policies).filter(policy => policy.product === 'motor');
      t.stream(claims)
        .keyBy('by-policy', c => c.policy)
        .join('with-policy', motor, c => c)
        .to(out);
    });
  });

  test('need an aggregator that can take rows out again', () => {
    const { code, message } = refusal(t =>
      t
        .table('claims', claims)
        .groupBy('by-policy', c => c.policy, string())
        .aggregate('ids', {
          init: () => 0,
          add: (state: number) => state + 1,
          serde: json<number>(),
        } as never),
    );
    expect(code).toBe('TOPO_GRAPH_INVALID');
    expect(message).toMatch(/aggregate 'ids' is on a table.*'subtract'/);
  });

  test('refuse an aggregator without an inverse, naming its field and what to do', () => {
    const on = (aggregator: unknown) =>
      refusal(t =>
        t
          .table('claims', claims)
          .groupBy('by-policy', c => c.policy, string())
          .aggregate('extremes', aggregator as never),
      );
    expect(on({ n: count(), least: min(String) })).toMatchObject({
      code: 'TOPO_GRAPH_INVALID',
      message: expect.stringMatching(
        /aggregate 'extremes' is on a table, whose rows change and go; its field 'least': min has no inverse.*countDistinct or collect.*stream/,
      ) as unknown,
    });
    expect(on(topN(3, Number)).message).toMatch(/whose rows change and go: top-3 has no inverse/);
  });

  test('of an aggregate can be grouped again', () => {
    const graph = built(t =>
      t
        .table('claims', claimChanges)
        .groupBy('by-policy', c => c.policy, string())
        .aggregate('exposure', { open: count(c => c.status === 'OPEN'), paid: sum(c => cents(c.paid)) })
        .groupBy('by-open', totals => totals.open, json<number>())
        .count('policies-by-open'),
    );
    expect(node(graph, 'by-open')).toMatchObject({
      value: {
        type: 'change',
        of: {
          type: 'aggregate',
          fields: [
            ['open', 'count'],
            ['paid', 'sum'],
          ],
        },
      },
    });
  });

  test('remember the name their store had', () => {
    const graph = built(t => t.table('policies', policies, { renamedFrom: 'old' }).to(out));
    expect(node(graph, 'policies')).toMatchObject({ stores: [{ name: 'policies', renamedFrom: 'old' }] });
  });
});

describe('a table of changes', () => {
  const { toRow } = claimChanges.row!;
  const change = (after: object | null, op = 'u') => ({ op, before: null, after, source: { ts_ms: 7 } });

  test('reads the row before only where a change left columns out', () => {
    const unread = () => {
      throw new Error('it was read');
    };
    expect(toRow(change({ id: 'C-1', paid: '1.00' }), unread)).toEqual({ id: 'C-1', paid: '1.00' });
    expect(toRow(change(null, 'd'), unread)).toBeNull();
    const lacking = change({ id: 'C-1', paid: '__debezium_unavailable_value' });
    expect(toRow(lacking, () => ({ id: 'C-1', paid: '1.00' }))).toEqual({ id: 'C-1', paid: '1.00' });
    expect(toRow(lacking, () => null)).toEqual(lacking.after);
  });

  test('has the time of the commit', () => {
    expect(claimChanges.slot.timestamp!(change(null, 'd'))).toBe(7);
  });
});

describe('split', () => {
  test('gives a branch a name, in order', () => {
    const graph = built(t => {
      const { open, rest } = t.stream(claims).split({ open: c => c.status === 'OPEN', rest: () => true });
      open.to(out);
      rest.to(out);
    });
    expect(node(graph, 'split')).toMatchObject({ branches: ['open', 'rest'] });
    expect(node(graph, 'open')).toMatchObject({ op: 'branch', branch: 'open', inputs: ['split'] });
    expect(graph.functions['split']!['fns']).toHaveLength(2);
  });

  test('refuses numbers as names, since JavaScript would reorder them', () => {
    expect(refusal(t => t.stream(claims).split({ b: () => true, 1: () => true }))).toMatchObject({
      code: 'TOPO_NAME_INVALID',
    });
  });
});
