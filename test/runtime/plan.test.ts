import { describe, expect, test } from 'vitest';
import { bytes, count, string, topic, topology } from '../../src/index.ts';
import { plan } from '../../src/runtime/plan.ts';

const claims = topic('claims', string(), string());
const policies = topic('policies', string(), string());
const out = topic('out', string(), string());

const counts = (map: Record<string, number>) => (name: string) => map[name] ?? 4;

describe('the plan', () => {
  test('a topology without a new key is one sub-topology, one task a partition', () => {
    const t = topology('t', b =>
      b
        .stream(claims)
        .filter(() => true)
        .to(out),
    );
    const { subTopologies, internalTopics } = plan(t, counts({ claims: 3 }));
    expect(subTopologies.map(({ id, partitions }) => [id, partitions])).toEqual([['claims', 3]]);
    expect(internalTopics.map(({ name, partitions }) => [name, partitions])).toEqual([['t.dead-letters', 3]]);
  });

  test('a key step is cut where a step behind it needs its partitioning, and nowhere else', () => {
    const t = topology('t', b => {
      const byFirst = b.stream(claims).keyBy('by-first', value => value[0]!, string());
      byFirst.groupByKey().count('counts');
      b.stream(claims)
        .keyBy('only-for-the-sink', value => value, string())
        .to(out);
    });
    const { subTopologies, internalTopics } = plan(t, counts({ claims: 3 }));
    expect(subTopologies.map(({ id }) => id).sort()).toEqual(['claims', 't-by-first-repartition']);
    expect(internalTopics.map(({ name }) => name)).toEqual([
      't-by-first-repartition',
      't-counts-changelog',
      't.dead-letters',
    ]);
  });

  test('a repartition takes the partition count of what it is joined with', () => {
    const t = topology('t', b => {
      const table = b.table('policies', policies);
      b.stream(claims)
        .keyBy('by-policy', value => value)
        .join('with-policy', table, value => value);
    });
    const { internalTopics, subTopologies } = plan(t, counts({ claims: 3, policies: 7 }));
    expect(internalTopics.find(({ name }) => name === 't-by-policy-repartition')!.partitions).toBe(7);
    expect(subTopologies.map(({ partitions }) => partitions).sort()).toEqual([3, 7]);
  });

  test('calls that keep the order of a key need equal keys together, others do not', () => {
    const calling = (order: 'key' | 'partition' | 'none') =>
      topology('t', b => {
        b.stream(claims)
          .keyBy('by-value', value => value, string())
          .mapAsync('call', async value => value, { order });
      });
    const repartitions = (order: 'key' | 'partition' | 'none') =>
      plan(calling(order), counts({ claims: 3 })).internalTopics.filter(({ name }) => name.endsWith('-repartition'));
    expect(repartitions('key')).toHaveLength(1);
    expect(repartitions('partition')).toEqual([]);
    expect(repartitions('none')).toEqual([]);
  });

  test('topics of one join with different counts are refused, naming both', () => {
    const t = topology('t', b => {
      b.stream(claims).join('with-policy', b.table('policies', policies), value => value);
    });
    expect(() => plan(t, counts({ claims: 3, policies: 7 }))).toThrow(
      /with-policy.*(policies \(7|claims \(3).*(claims \(3|policies \(7)/s,
    );
  });

  test('consumers of one key step read one repartition, in one sub-topology', () => {
    const t = topology('t', b => {
      const keyed = b.stream(claims).keyBy('by-first', value => value[0]!, string());
      keyed.groupByKey().count('counts');
      keyed.groupByKey().reduce('last', (_, value) => value);
      keyed.to(out);
    });
    const { subTopologies } = plan(t, counts({}));
    expect(subTopologies).toHaveLength(2);
    const behind = subTopologies.find(({ id }) => id === 't-by-first-repartition')!;
    expect(behind.stores.map(({ changelog }) => changelog)).toEqual(['t-counts-changelog', 't-last-changelog']);
    expect(behind.writes).toEqual(['out']);
  });

  test('changelogs are compacted, repartitions and dead letters kept', () => {
    const t = topology('t', b => {
      b.stream(topic('raw', bytes(), bytes()))
        .keyBy('key', () => 'k', string())
        .groupByKey()
        .aggregate('n', { n: count() });
    });
    const configs = Object.fromEntries(
      plan(t, counts({})).internalTopics.map(({ name, config }) => [name, config['cleanup.policy']]),
    );
    expect(configs).toEqual({ 't-key-repartition': 'delete', 't-n-changelog': 'compact', 't.dead-letters': 'delete' });
  });

  test('a foreign-key join takes the keys to where the right rows lie and back, each way in a topic of that side’s count', () => {
    const t = topology('t', b => {
      const rights = b.table('rights', policies);
      b.table('lefts', claims).join(
        'joined',
        rights,
        value => value,
        value => value,
      );
    });
    const { subTopologies, internalTopics } = plan(t, counts({ claims: 3, policies: 7 }));
    expect(Object.fromEntries(internalTopics.map(({ name, partitions }) => [name, partitions]))).toEqual({
      't-joined-subscription-repartition': 7,
      't-joined-response-repartition': 3,
      't-lefts-changelog': 3,
      't-joined-foreign-key-changelog': 3,
      't-joined-changelog': 3,
      't-rights-changelog': 7,
      't-joined-subscribers-changelog': 7,
      't.dead-letters': 7,
    });
    expect(subTopologies.map(({ inputs }) => inputs.map(({ topic: name }) => name))).toEqual([
      ['policies', 't-joined-subscription-repartition'],
      ['claims', 't-joined-response-repartition'],
    ]);
  });

  test('a global table is no input of a task, joins none together and makes no repartition', () => {
    const t = topology('t', b => {
      const rows = b.globalTable('rows', policies);
      for (const source of [claims, topic('others', string(), string())])
        b.stream(source)
          .keyBy(`${source.reference.name}-by-first`, value => value[0]!, string())
          .join(
            `${source.reference.name}-joined`,
            rows,
            value => value,
            value => value,
          )
          .as(string())
          .to(out);
    });
    const { subTopologies, internalTopics, globals } = plan(t, counts({ claims: 3, others: 2, policies: 7 }));
    expect(subTopologies.map(({ id, partitions, stores }) => [id, partitions, stores])).toEqual([
      ['claims', 3, []],
      ['others', 2, []],
    ]);
    expect(internalTopics.map(({ name, partitions }) => [name, partitions])).toEqual([['t.dead-letters', 3]]);
    expect(globals.map(({ id }) => id)).toEqual(['rows']);
  });

  test('a merge of topics with different counts may look up a global table', () => {
    const t = topology('t', b => {
      const rows = b.globalTable('rows', policies);
      const merged = b.stream(claims).merge(b.stream(topic('others', string(), string())));
      const joined = merged.join(
        'joined',
        rows,
        value => value,
        value => value,
      );
      joined.as(string()).to(out);
    });
    expect(plan(t, counts({ claims: 3, others: 2 })).subTopologies.map(({ partitions }) => partitions)).toEqual([3]);
  });
});
