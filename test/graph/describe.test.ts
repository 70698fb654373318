import { describe, expect, test } from 'vitest';
import { describeJson } from '../../src/graph/describe/json.ts';
import { describeMermaid } from '../../src/graph/describe/mermaid.ts';
import { pictureOf } from '../../src/graph/describe/picture.ts';
import { describeText } from '../../src/graph/describe/text.ts';
import { string, topic, topology } from '../../src/index.ts';
import type { TopologyBuilder } from '../../src/index.ts';
import claimsEnriched from '../../topologies/claims-enriched.ts';

const texts = (name: string) => topic(name, string(), string());
const keep = (value: string) => value;
const always = () => true;

/** The picture without the margin, between line ends as a test writes it. */
const picture = (declare: (t: TopologyBuilder) => void): string =>
  `\n${pictureOf(topology('app', declare)).replaceAll(/^ {2}/gm, '')}\n`;

describe('the picture', () => {
  test('of claims-enriched', () => {
    expect(`\n${pictureOf(claimsEnriched)}\n`).toBe(`
  policydb.public.policies ─▶ policies ─────────────┐
  claimsdb.public.claims ─▶ filter ─▶ by-policy ─▶ with-policy ─▶ claims.enriched
                        └▶ claims ─▶ totals-by-policy ─▶ exposure ─▶ map ─▶ claims.by-policy
`);
  });

  test('has a row for each branch of a split, and joins merged ones', () => {
    expect(
      picture(t => {
        const { open, closed, rest } = t.stream(texts('claims')).split({ open: always, closed: always, rest: always });
        open.to(texts('now'));
        closed.merge(rest.map(keep)).to(texts('other'));
      }),
    ).toBe(`
claims ─▶ split ─▶ open ─▶ now
               ├▶ closed ───▶ merge ─▶ other
               └▶ rest ─▶ map ─┘
`);
  });

  test('brings each table of several joins down to its own', () => {
    expect(
      picture(t => {
        const [a, b, c] = ['a', 'b', 'c'].map(name => t.table(name, texts(`topic-${name}`)));
        t.stream(texts('s'))
          .join('with-a', a!, keep)
          .join('with-b', b!, keep)
          .join('with-c', c!, keep)
          .to(texts('out'));
        b!.to(texts('copy-of-b'));
      }),
    ).toBe(`
topic-a ─▶ a ─────────────┐
topic-b ─▶ b ─▶ copy-of-b │
            └─────────────┼─────────┐
topic-c ─▶ c ─────────────┼─────────┼─────────┐
s ─────────────────────▶ with-a ─▶ with-b ─▶ with-c ─▶ out
`);
  });

  test('leads one table to several joins past what lies between', () => {
    expect(
      picture(t => {
        const a = t.table('a', texts('topic-a'));
        const keyed = t.stream(texts('s1')).keyBy('k1', keep);
        keyed.join('j1', a, keep).to(texts('o1'));
        keyed
          .groupByKey()
          .count('n1')
          .to(topic('o2', string(), string() as never));
        t.stream(texts('s2')).join('j2', a, keep).to(texts('o3'));
      }),
    ).toBe(`
topic-a ─▶ a ───┐
            └───┼───────┐
s1 ─▶ k1 ────▶ j1 ─▶ o1 │
        └▶ n1 ─▶ o2     │
s2 ──────────────────▶ j2 ─▶ o3
`);
  });

  test('brings a table of the stream’s own topic up to its join', () => {
    expect(
      picture(t => {
        const stream = t.stream(texts('claims')).filter(always);
        stream.join('with-last', t.table('last', texts('claims')), keep).to(texts('out'));
      }),
    ).toBe(`
claims ─▶ filter ─▶ with-last ─▶ out
      └▶ last ───────┘
`);
  });

  test('shows a foreign-key join as one step', () => {
    expect(
      picture(t => {
        const policies = t.table('policies', texts('policy-rows'));
        const joined = t.table('claims', texts('claim-rows')).join('with-policy', policies, keep, keep);
        joined.as(string()).to(texts('out'));
      }),
    ).toBe(`
policy-rows ─▶ policies ─┐
claim-rows ─▶ claims ─▶ with-policy ─▶ out
`);
  });

  test('brings a global table to each of its joins', () => {
    expect(
      picture(t => {
        const countries = t.globalTable('countries', texts('ref'));
        t.stream(texts('claims')).join('with-country', countries, keep, keep).as(string()).to(texts('out'));
      }),
    ).toBe(`
countries ─┐
claims ─▶ with-country ─▶ out
`);
  });

  test('shows a run of unnamed steps of one op as one', () => {
    expect(picture(t => t.stream(texts('a')).filter(always).filter(always).map(keep).map(keep).to(texts('b')))).toBe(`
a ─▶ filter ─▶ map ─▶ b
`);
  });

  test.each([1, 2, 3, 4, 5])('never loses a label, however the steps are wired (seed %i)', seed => {
    let state = seed;
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    const graph = topology('app', t => {
      const tables = [0, 1, 2].map(i => t.table(`table-${i}`, texts(`rows-${i}`)));
      const streams = [0, 1, 2].map(i => t.stream(texts(`topic-${i}`)));
      for (let i = 0; i < 15; i++) {
        const stream = streams[random(streams.length)]!;
        const steps = [
          () => stream.join(`join-${i}`, tables[random(3)]!, keep).as(string()),
          () => stream.keyBy(`key-${i}`, keep, string()),
          () => stream.merge(streams[random(streams.length)]!),
          () => stream.peek(() => {}),
        ];
        streams.push(steps[random(steps.length)]!());
      }
      streams.forEach((stream, i) => stream.to(texts(`out-${i}`)));
    });
    const drawn = pictureOf(graph);
    for (const node of graph.nodes)
      if (node.kind !== 'transform') expect(drawn).toMatch(new RegExp(`(^|[ │])${node.id}($|[ ─│┼])`, 'm'));
  });
});

describe('the text', () => {
  test('lists topics and stores with their serdes', () => {
    const text = describeText(claimsEnriched);
    expect(text).toContain(
      'policydb.public.policies   debezium-key (id) → debezium   first, to the end seen at the first start',
    );
    expect(text).toContain('claims.enriched    string → protobuf insurance.v1.ClaimEnriched');
    expect(text).toMatch(
      /exposure +string → aggregate \(open: count, paidCents: sum\) +changelog claims-enriched-exposure-changelog/,
    );
    expect(text).toMatch(
      /totals-by-policy +string → old and new json +topic claims-enriched-totals-by-policy-repartition/,
    );
    expect(text).toContain('claims-enriched.dead-letters');
  });

  test('lists what a foreign-key join keeps and sends, and which topics every task has whole', () => {
    const text = describeText(
      topology('app', t => {
        const joined = t.table('claims', texts('claim-rows')).join('joined', t.table('p', texts('rows')), keep, keep);
        joined.as(string()).to(texts('out'));
        t.globalTable('countries', texts('ref'));
      }),
    );
    expect(text).toMatch(/ref +string → string +global table countries, whole in every task/);
    expect(text).toMatch(/joined-foreign-key +string → foreign key string +changelog app-joined-foreign-key-changelog/);
    expect(text).toMatch(/joined +string → string with string +changelog app-joined-changelog/);
    expect(text).toMatch(
      /joined-subscription +string → subscriptions of string → string +topic app-joined-subscription-repartition/,
    );
  });
});

describe('the Mermaid flowchart', () => {
  test('has a box for each step and a dotted line for a looked-up table', () => {
    const chart = describeMermaid(claimsEnriched);
    expect(chart).toMatch(/^flowchart LR\n/);
    expect(chart).toContain('n0(["claimsdb.public.claims"])');
    expect(chart).toContain('n2{{"by-policy"}}');
    expect(chart).toContain('n4[("policies")]');
    expect(chart).toContain('n4 -.-> n5');
  });

  test('escapes what Mermaid would read as its own', () => {
    const chart = describeMermaid(
      topology('app', t =>
        t.stream(texts('a')).split({ 'say "hi" <b>#1</b>': always })['say "hi" <b>#1</b>'].to(texts('b')),
      ),
    );
    expect(chart).toContain('["say #34;hi#34; #60;b#62;#35;1#60;/b#62;"]');
  });
});

test('the JSON holds the nodes, the topics, and sub-topologies where there is a plan', () => {
  const described: unknown = JSON.parse(describeJson(claimsEnriched, [{ id: 'a', nodes: ['policies'] }]));
  expect(described).toMatchObject({
    name: 'claims-enriched',
    nodes: claimsEnriched.nodes,
    topics: {
      writes: ['claims.enriched', 'claims.by-policy'],
      repartitions: ['claims-enriched-by-policy-repartition', 'claims-enriched-totals-by-policy-repartition'],
      deadLetters: 'claims-enriched.dead-letters',
      manifest: 'claims-enriched-manifest',
    },
    subTopologies: [{ id: 'a', nodes: ['policies'] }],
  });
});
