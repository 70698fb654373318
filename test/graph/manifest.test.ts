import { describe, expect, test } from 'vitest';
import { compareManifests, manifestOf } from '../../src/graph/manifest.ts';
import type { Manifest, Surroundings } from '../../src/graph/manifest.ts';
import { bytes, count, hopping, json, string, sum, topN, topic, topology, tumbling } from '../../src/index.ts';
import type { Serde, TimeWindow, Topic, TopologyBuilder } from '../../src/index.ts';
import { descriptorSet } from './descriptor-set.ts';
import type { FieldSpec } from './descriptor-set.ts';

interface Claim {
  policy: string;
  paid: number;
}

const claims = topic('claims', string(), json<Claim>());
const out = topic('out', string(), json());

const mainWith = (from: typeof claims, to: Topic<string, unknown>) => (t: TopologyBuilder) =>
  t
    .stream(from)
    .groupBy('by-policy', claim => claim.policy, string())
    .aggregate('totals', { n: count(), paid: sum(claim => claim.paid) })
    .to(to);
const main = mainWith(claims, out);
const binary = bytes() as Serde<unknown>;

const BROKER: Surroundings = {
  clusterId: 'cluster-1',
  partitions: { claims: 4, out: 4, 'app-by-policy-repartition': 4, 'app-totals-changelog': 4 },
  topicIds: { claims: 'id-1', out: 'id-2', 'app-by-policy-repartition': 'id-3', 'app-totals-changelog': 'id-4' },
};
const manifest = (declare: (t: TopologyBuilder) => void = main, broker: Partial<Surroundings> = {}): Manifest =>
  // what is stored has been through JSON
  JSON.parse(JSON.stringify(manifestOf(topology('app', declare), { ...BROKER, ...broker }))) as Manifest;
const compared = (declare: (t: TopologyBuilder) => void, broker: Partial<Surroundings> = {}) =>
  compareManifests(manifest(), manifest(declare, broker));

describe('a manifest', () => {
  test('holds what is durable, by name', () => {
    expect(manifest()).toEqual({
      format: 1,
      topology: 'app',
      cluster: 'cluster-1',
      sources: {
        claims: { topic: 'claims', topicId: 'id-1', partitions: 4, key: { type: 'string' }, value: { type: 'json' } },
      },
      repartitions: {
        'by-policy': {
          topic: 'app-by-policy-repartition',
          topicId: 'id-3',
          partitions: 4,
          key: { type: 'string' },
          value: { type: 'json' },
        },
      },
      stores: {
        totals: {
          step: 'totals',
          processor: 'aggregate',
          topic: 'app-totals-changelog',
          topicId: 'id-4',
          partitions: 4,
          key: { type: 'string' },
          value: {
            type: 'aggregate',
            fields: [
              ['n', 'count'],
              ['paid', 'sum'],
            ],
          },
        },
      },
      sinks: {
        out: { topic: 'out', topicId: 'id-2', partitions: 4, key: { type: 'string' }, value: { type: 'json' } },
      },
      hash: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    });
  });

  test('holds the topic of a global table as a source', () => {
    const withGlobal = manifest(
      t => {
        const rows = t.globalTable('rows', topic('ref', string(), json()));
        const named = (value: string) => value;
        t.stream(topic('claims', string(), string())).join('joined', rows, named, named);
      },
      { partitions: { ref: 2 } },
    );
    expect(Object.keys(withGlobal.sources).sort()).toEqual(['claims', 'ref']);
    expect(withGlobal.sources['ref']).toMatchObject({ partitions: 2, value: { type: 'json' } });
    expect(withGlobal.stores).toEqual({});
  });

  test('has a hash that stateless steps and the order of declaration do not change', () => {
    const rows = (t: TopologyBuilder) => t.table('rows', topic('rows', string(), json()));
    const one = manifest(t => [main(t), rows(t)]);
    const other = manifest(t => [rows(t), t.stream(claims).peek(() => {}), main(t)]);
    expect(other.hash).toBe(one.hash);
    expect(manifest().hash).not.toBe(one.hash);
  });

  test('fits itself', () => {
    expect(compareManifests(manifest(), manifest())).toEqual({ problems: [], notices: [] });
  });
});

describe('a start is refused', () => {
  const problems = (declare: (t: TopologyBuilder) => void, broker?: Partial<Surroundings>) =>
    compared(declare, broker).problems;

  test('on another cluster', () => {
    expect(problems(main, { clusterId: 'cluster-2' })).toEqual([
      expect.stringMatching(/belong to cluster cluster-1; this is cluster-2/),
    ]);
  });

  test('when a topic was deleted and made again', () => {
    expect(problems(main, { topicIds: { ...BROKER.topicIds, claims: 'id-9' } })).toEqual([
      expect.stringMatching(/^source claims: topic claims was deleted and made again/),
    ]);
    expect(problems(main, { topicIds: { ...BROKER.topicIds, 'app-totals-changelog': 'id-9' } })).toEqual([
      expect.stringMatching(/^step 'totals': topic app-totals-changelog was deleted/),
    ]);
  });

  test('when a partition count changed', () => {
    expect(problems(main, { partitions: { ...BROKER.partitions, claims: 8 } })).toEqual([
      expect.stringMatching(/^source claims: topic claims had 4 partitions and has 8/),
    ]);
  });

  test('when a source, a repartition or a sink has another serde', () => {
    const text = topic('claims', string(), string());
    expect(
      problems(t =>
        t
          .stream(text)
          .groupBy('by-policy', c => c, string())
          .aggregate('totals', { n: count(), paid: sum(c => c.length) })
          .to(out),
      ),
    ).toEqual([
      expect.stringMatching(/^source claims: its values were json and are string\. Read it with the former serde/),
      expect.stringMatching(/^step 'by-policy': its values were json and are string\..*rename the step/),
    ]);
    expect(problems(mainWith(topic('claims', binary as Serde<string>, json<Claim>()), out))).toEqual([
      expect.stringMatching(/^source claims: its keys were string and are bytes/),
    ]);
    expect(problems(mainWith(claims, topic('out', string(), binary)))).toEqual([
      expect.stringMatching(/^sink out: its values were json and are bytes\..*write to another topic/),
    ]);
  });

  test('when an aggregate has other fields, in the step’s name', () => {
    const [problem] = problems(t =>
      t
        .stream(claims)
        .groupBy('by-policy', c => c.policy, string())
        .aggregate('totals', { n: count() })
        .to(out),
    );
    expect(problem).toMatch(
      /^step 'totals': its values were aggregate \(n: count, paid: sum\) and are aggregate \(n: count\)/,
    );
    expect(problem).toMatch(/give the step another name/);
  });

  test('when a field has another aggregator, or keeps another number of values', () => {
    const top = (n: number) => (t: TopologyBuilder) =>
      t.stream(claims).groupByKey().aggregate('top', { dearest: topN(n, claim => claim.paid) }); // prettier-ignore
    expect(compareManifests(manifest(top(10)), manifest(top(5))).problems).toEqual([
      expect.stringMatching(
        /^step 'top': its values were aggregate \(dearest: top-10\) and are aggregate \(dearest: top-5\)/,
      ),
    ]);
    expect(compareManifests(manifest(top(10)), manifest(top(10))).problems).toEqual([]);
  });

  test('when a name stands for another kind of step, or a table for another topic', () => {
    const rows = (name: string) => (t: TopologyBuilder) => t.table('rows', topic(name, string(), json()));
    const { problems } = compareManifests(manifest(rows('a')), manifest(rows('b')));
    expect(problems).toEqual([expect.stringMatching(/^step 'rows': its table holds the rows of topic a, not of b/)]);
    const kept = (t: TopologyBuilder) => t.stream(topic('a', string(), json())).toTable('rows');
    expect(compareManifests(manifest(rows('a')), manifest(kept)).problems).toEqual([
      expect.stringMatching(/was that of a step 'table', and is of 'toTable'/),
    ]);
  });

  test('when a window has another length; with another grace or emission it fits', () => {
    const counted = (window: TimeWindow) => (t: TopologyBuilder) =>
      void t.stream(claims).groupByKey().window(window).count('hourly');
    const stored = manifest(counted(hopping('1 h', { every: '10 min' })));
    const problemsOf = (window: TimeWindow) => compareManifests(stored, manifest(counted(window))).problems;
    expect(problemsOf(hopping('1 h', { every: '10 min', grace: '5 min', emit: 'final' }))).toEqual([]);
    expect(problemsOf(hopping('1 h', { every: '20 min' }))).toEqual([
      expect.stringMatching(/^step 'hourly': 'every' of its windows was 600000 ms and is 1200000 ms.*another name/),
    ]);
    expect(problemsOf(tumbling('2 h'))).toHaveLength(2);
  });

  test('when a later version wrote the manifest', () => {
    expect(compareManifests({ ...manifest(), format: 2 }, manifest()).problems).toEqual([
      expect.stringMatching(/later version/),
    ]);
  });
});

describe('a start is accepted', () => {
  test('with new steps, which are named', () => {
    const { problems, notices } = compared(t => {
      main(t);
      t.table('rows', topic('rows', string(), json())).to(topic('copy', string(), json()));
    });
    expect(problems).toEqual([]);
    expect(notices).toEqual([
      'source rows is new: it is read from its start.',
      "step 'rows' is new: its store 'rows' is empty.",
      'sink copy is new.',
    ]);
  });

  test('without steps that were there: their state is kept', () => {
    const { problems, notices } = compared(t => t.stream(claims).to(out));
    expect(problems).toEqual([]);
    expect(notices).toEqual([
      expect.stringMatching(/^step 'by-policy' is gone; its topic app-by-policy-repartition is kept/),
      expect.stringMatching(/^step 'totals' is gone; its state and the topic app-totals-changelog are kept/),
    ]);
  });

  test('with a renamed store, whose serde is compared under its former name', () => {
    const rows =
      (name: string, value: Serde<unknown>, options = {}) =>
      (t: TopologyBuilder) =>
        t.table(name, topic('rows', string(), value), options);
    const stored = manifest(rows('rows', json()));
    expect(compareManifests(stored, manifest(rows('all', json(), { renamedFrom: 'rows' })))).toEqual({
      problems: [],
      notices: ["store 'rows' is 'all' from now on: its state is taken over."],
    });
    const { problems } = compareManifests(stored, manifest(rows('all', bytes(), { renamedFrom: 'rows' })));
    expect(problems).toContainEqual(expect.stringMatching(/^step 'all': its values were json and are bytes/));
  });

  test('with names that objects have by themselves', () => {
    const odd = manifest(t => t.table('constructor', topic('valueOf', string(), json())));
    expect(Object.values(odd.sources)[0]).toMatchObject({ topicId: null, partitions: null });
    expect(compareManifests(manifest(), odd).problems).toEqual([]);
  });
});

describe('a Protobuf message fits', () => {
  const field = (name: string, number: number, type: string, more: Partial<FieldSpec> = {}) => ({
    name,
    number,
    type,
    ...more,
  });
  const serde = (messages: Record<string, FieldSpec[]>, name = 'app.v1.Claim'): Serde<unknown> => {
    const packageName = name.slice(0, name.lastIndexOf('.'));
    const description = { type: 'protobuf', message: name, descriptor: descriptorSet(packageName, messages) } as const;
    return { description, encode: () => new Uint8Array(), decode: () => null };
  };
  const read = (value: Serde<unknown>) => manifest(t => t.table('rows', topic('rows', string(), value)));
  const problemOf = (stored: Serde<unknown>, current: Serde<unknown>) =>
    compareManifests(read(stored), read(current)).problems.find(problem => problem.startsWith("step 'rows'"));
  const ID = field('id', 1, 'string');

  test.each<[string, FieldSpec, FieldSpec[]]>([
    ['a new field', field('a', 2, 'int32'), [field('a', 2, 'int32'), field('b', 3, 'string')]],
    ['a vanished field', field('a', 2, 'int32'), []],
    ['a renamed field', field('a', 2, 'int32'), [field('b', 2, 'int32')]],
    ['int32 as int64', field('a', 2, 'int32'), [field('a', 2, 'int64')]],
    ['int32 as uint32', field('a', 2, 'int32'), [field('a', 2, 'uint32')]],
    ['sint32 as sint64', field('a', 2, 'sint32'), [field('a', 2, 'sint64')]],
    ['fixed64 as sfixed64', field('a', 2, 'fixed64'), [field('a', 2, 'sfixed64')]],
    ['string as bytes', field('a', 2, 'string'), [field('a', 2, 'bytes')]],
  ])('with %s', (_, before, after) => {
    expect(problemOf(serde({ Claim: [ID, before] }), serde({ Claim: [ID, ...after] }))).toBeUndefined();
  });

  test.each<[string, FieldSpec, FieldSpec, RegExp]>([
    ['int32 as sint32', field('a', 2, 'int32'), field('a', 2, 'sint32'), /field 2 \(a\) was int32 and is sint32/],
    ['int32 as fixed32', field('a', 2, 'int32'), field('a', 2, 'fixed32'), /was int32 and is fixed32/],
    ['bytes as string', field('a', 2, 'bytes'), field('a', 2, 'string'), /was bytes and is string/],
    ['float as double', field('a', 2, 'float'), field('a', 2, 'double'), /was float and is double/],
    ['one as many', field('a', 2, 'int32'), field('a', 2, 'int32', { repeated: true }), /became repeated/],
    ['many as one', field('a', 2, 'int32', { repeated: true }), field('a', 2, 'int32'), /is not repeated any more/],
    [
      'a field moved into a oneof',
      field('a', 2, 'int32'),
      field('a', 2, 'int32', { oneof: true }),
      /moved into the oneof choice/,
    ],
  ])('not with %s', (_, before, after, message) => {
    const problem = problemOf(serde({ Claim: [ID, before] }), serde({ Claim: [ID, after] }));
    expect(problem).toMatch(message);
    expect(problem).toMatch(/app\.v1\.Claim/);
  });

  test('not with a change in a message that it refers to, even through itself', () => {
    const claim = [ID, field('parent', 2, 'Claim'), field('parts', 3, 'Part', { repeated: true })];
    const parts = (type: string) => serde({ Claim: claim, Part: [field('cents', 1, type)] });
    expect(problemOf(parts('int64'), parts('int64'))).toBeUndefined();
    expect(problemOf(parts('int64'), parts('sint64'))).toMatch(/field 1 \(parts\.cents\) was int64 and is sint64/);
  });

  test('under another name if its fields keep theirs; another message does not', () => {
    const claim = { Claim: [ID, field('cents', 2, 'int64')] };
    expect(problemOf(serde(claim), serde(claim, 'app.v2.Claim'))).toBeUndefined();
    const policy = serde({ Policy: [field('number', 1, 'string'), field('premium', 2, 'int64')] }, 'app.v1.Policy');
    expect(problemOf(serde(claim), policy)).toMatch(/app\.v1\.Policy is another message than app\.v1\.Claim/);
  });
});
