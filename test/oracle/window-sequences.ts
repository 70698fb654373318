import type { OracleTopology } from './cases.ts';
import type { Sequence } from './sequences.ts';

type Windowed = Extract<OracleTopology, { readonly emit: unknown }>;

/** Both ways to emit, each over the same inputs. */
const bothWays = (name: string, topology: Windowed, inputs: string): Sequence[] =>
  (['update', 'final'] as const).map(emit => [`${name}/${emit}`, { ...topology, emit }, inputs]);

const graceOne = 'I a@0, I b@1, I c@2, I d@1, I e@0, I f@5, I g@0';
const graceTwo = 'I a@0, I b@1, I c@2, I d@0, I e@3, I f@0, I g@4, I h@0, I i@30';

const windows: readonly Sequence[] = [
  ...bothWays('tumbling/grace-1', { kind: 'tumbling', sizeMs: 2, graceMs: 1, emit: 'update' }, graceOne),
  ...bothWays('tumbling/grace-2', { kind: 'tumbling', sizeMs: 2, graceMs: 2, emit: 'update' }, graceTwo),
  ['windowed-count-suppressed/grace-1', { kind: 'windowed-count-suppressed', sizeMs: 2, graceMs: 1 }, graceOne],
  ['windowed-count-suppressed/grace-2', { kind: 'windowed-count-suppressed', sizeMs: 2, graceMs: 2 }, graceTwo],
  ...bothWays(
    'hopping/late-for-one-window',
    { kind: 'hopping', sizeMs: 10, advanceMs: 5, graceMs: 90, emit: 'update' },
    'I a@100, I b@0, I c@1, I d@2, I e@3, I f@4, I g@5, I h@6, I z=z@1000',
  ),
  ...bothWays(
    'session/merging',
    { kind: 'session', gapMs: 5, graceMs: 0, emit: 'update' },
    'I k1=a@0, I k1=b@5, I k1=c@1, I k2=d@11, I k1=e@5, I k1=f@30',
  ),
  ...bothWays(
    'session/two-become-one',
    { kind: 'session', gapMs: 5, graceMs: 20, emit: 'update' },
    'I a@0, I b@10, I c@5, I d@4, I z=z@100',
  ),
  ...bothWays(
    'session/accepted-at-the-boundary',
    { kind: 'session', gapMs: 10, graceMs: 1, emit: 'update' },
    'I x=x@11, I k=a@0, I z=z@100',
  ),
  ...bothWays(
    'session/late-at-the-boundary',
    { kind: 'session', gapMs: 10, graceMs: 1, emit: 'update' },
    'I x=x@12, I k=a@0, I z=z@100',
  ),
  ...bothWays(
    'session/late-without-grace',
    { kind: 'session', gapMs: 10, graceMs: 0, emit: 'update' },
    'I x=x@11, I k=a@0, I z=z@100',
  ),
  ...bothWays(
    'sliding/in-order',
    { kind: 'sliding', diffMs: 10, graceMs: 5, emit: 'update' },
    'I A=1@10, I A=2@10, I A=3@14, I A=4@15, I A=5@20, I A=6@22, I A=7@30',
  ),
  ...bothWays(
    'sliding/late-for-their-own-windows',
    { kind: 'sliding', diffMs: 5, graceMs: 15, emit: 'update' },
    'I k1=a@10, I k1=b@11, I k1=c@10, I k1=d@13, I k1=e@10, I k1=f@24, I k1=g@5, I k1=h@7, I k1=i@90',
  ),
];

const aggregates: readonly Sequence[] = [
  [
    'count/words',
    { kind: 'count' },
    'I hello=h@1, I kafka=k@2, I streams=s@3, I kafka=k@4, I kafka=k@5, I streams=s@6',
  ],
  ['aggregate/nulls', { kind: 'aggregate' }, 'I a@5, I ~@6, I ~=b@7, I c@3, I d@9'],
  ['reduce/nulls', { kind: 'reduce' }, 'I a@5, I ~@6, I ~=b@7, I c@3, I d@9'],
  ['cogroup/interleaved', { kind: 'cogroup' }, 'L A@1, R a@2, R ~@3, L B@1, R ~=b@4'],
  ['cogroup/tumbling', { kind: 'cogroup', sizeMs: 10, graceMs: 0 }, 'L A@1, R a@2, R b@11, L B@9, L C@12'],
];

const tables: readonly Sequence[] = [
  [
    'table-aggregate/rows-move',
    { kind: 'table-aggregate' },
    'I alice=E1@1, I bob=A1@2, I charlie=A2@3, I alice=A3@4, I charlie=~@5, I ~=E9@6, I bob=E2@7',
  ],
  [
    'table-aggregate/out-of-order',
    { kind: 'table-aggregate' },
    'I A=A1@10, I B=B2@15, I A=A3@20, I B=B4@18, I C=C5@5, I D=D6@25, I B=B7@15, I C=C8@10',
  ],
  ['table-count/the-same-again', { kind: 'table-count' }, 'I A=1@8, I A=1@9'],
  ...[undefined, 300_000].map((versionedMs): Sequence => {
    const name = versionedMs === undefined ? 'table-count/by-value' : 'table-count/by-value/versioned';
    const topology: OracleTopology =
      versionedMs === undefined ? { kind: 'table-count' } : { kind: 'table-count', versionedMs };
    return [name, topology, 'I A=green@10, I B=green@9, I A=blue@12, I C=yellow@15, I D=green@11, I A=blue@11'];
  }),
  [
    'table-filter/even',
    { kind: 'table-filter' },
    'I A=1@10, I B=2@5, I C=3@8, I D=4@14, I A=~@18, I B=~@15, I D=5@19, I D=7@20, I D=8@21',
  ],
  [
    'suppress-time-limit/limit',
    { kind: 'suppress-time-limit', limitMs: 2 },
    'I k1=v1@0, I k1=v2@1, I k2=v1@2, I tick=tick@3, I tick=tick@4, I tick=tock@30',
  ],
  [
    'suppress-time-limit/max-records',
    { kind: 'suppress-time-limit', maxRecords: 1 },
    'I k1=v1@0, I k1=v2@1, I k2=v1@2, I x=x@3',
  ],
];

export const windowSequences: readonly Sequence[] = [...windows, ...aggregates, ...tables];
