import { CANONICAL } from './canonical.ts';
import type { OracleTopology } from './cases.ts';
import type { Sequence } from './sequences.ts';

type Mode = 'inner' | 'left' | 'outer';
const MODES: readonly Mode[] = ['inner', 'left', 'outer'];
const LOOKUP_MODES = ['inner', 'left'] as const;

const within = (mode: Mode, beforeMs: number, afterMs: number, graceMs: number): OracleTopology => ({
  kind: 'stream-stream',
  mode,
  beforeMs,
  afterMs,
  graceMs,
});

const streamStream = MODES.flatMap((mode): Sequence[] => [
  [
    `in-order/stream-stream/${mode}/closing`,
    within(mode, 15, 15, 5),
    `${CANONICAL}, L E@40, L F@60, R f@80, L G@100, R g@200`,
  ],
  [
    `in-order/stream-stream/${mode}/null-keys`,
    within(mode, 10_000, 10_000, 86_400_000),
    `${CANONICAL}, L ~=E@16, R ~=e@17`,
  ],
  [
    `stream-stream/${mode}/two-values-at-one-time`,
    within(mode, 100, 100, 10),
    'L 0=A0@0, L 0=A0-0@0, R 1=a0@111, R 2=x@500, L 2=A2@1000, L 2=A2-0@1000, R 2=a2@1001, R 3=a3@315',
  ],
  [
    `stream-stream/${mode}/ended-is-not-closed`,
    within(mode, 100, 100, 10),
    'L 0=A0@0, L 1=A1@0, R 0=a0@101, R 1=a1@101, R d=dummy@1201',
  ],
  [
    `stream-stream/${mode}/right-closes`,
    within(mode, 100, 100, 0),
    'L 0=A0@1, L 1=A1@2, L 0=A0-0@3, R 1=a1@3, R 2=dummy@401',
  ],
  [
    `stream-stream/${mode}/left-closes`,
    within(mode, 100, 100, 0),
    'L 0=A0@1, L 1=A1@2, L 0=A0-0@3, R 1=a1@3, L 2=dummy@401',
  ],
  [`stream-stream/${mode}/closed-before-joined`, within(mode, 100, 100, 0), 'L 0=A0@0, L 1=A1@100, R 1=a1@110'],
  [`stream-stream/${mode}/only-after`, within(mode, 0, 100, 0), 'L 0=A0@0, L 1=A1@1, R 0=a0@100, R 1=a1@102'],
  [
    `stream-stream/${mode}/right-and-left-unmatched`,
    within(mode, 100, 100, 10),
    'L 0=A0@0, L 0=A0-0@0, R 1=11@0, R 1=12@0, R 1=10@111, R 3=100@211',
  ],
  [
    `stream-stream/${mode}/late-right-joins-a-closed-left`,
    within(mode, 100, 0, 0),
    'L 0=A0@1000, L 0=A1@1001, R 0=a0@999',
  ],
  [`stream-stream/${mode}/close-boundary-right`, within(mode, 5, 20, 0), 'R k=12@31, R z=x@36, R z=x@37'],
  [`stream-stream/${mode}/close-boundary-left`, within(mode, 5, 20, 0), 'L k=12@31, L z=x@51, L z=x@52'],
]);

/** A stream joined with itself is fed to both sides, left first. */
const selfJoin: Sequence = [
  'stream-stream/inner/with-itself',
  within('inner', 10_000, 10_000, 86_400_000),
  ['~@1', 'A@2', 'B@3', '~@4', 'C@5', '~@6', 'D@7'].map(input => `L ${input}, R ${input}`).join(', '),
];

const lookups = LOOKUP_MODES.flatMap((mode): Sequence[] => [
  [`stream-table/${mode}/null-key`, { kind: 'stream-table', mode }, 'R k=a@1, R ~=b@2, L ~=A@3, L k=~@4, L k=B@5'],
  [
    `stream-table/${mode}/older-than-the-history`,
    { kind: 'stream-table', mode, versionedMs: 10 },
    'R a@0, R b@20, L A@5, L B@15, L C@20, R c@5, R d@12, L D@13',
  ],
  [
    `global-table/${mode}`,
    { kind: 'global-table', mode },
    'R p=a@1, L k=p1@2, L k=q1@3, L ~=p2@4, L k=:3@5, L ~=:4@6, R p=~@7, L k=p5@8, L k=~@9',
  ],
]);

const foreignKey = LOOKUP_MODES.flatMap((mode): Sequence[] =>
  Object.entries({
    'a-row-finds-another':
      'L k=1@1, R 1=foo@1, L k=2@2, L k=3@3, R 3=bar@4, L k=~@5, L k=1@6, L q=10@7, L r=10@8, R 10=baz@9',
    'no-foreign-key': 'R 1=foo@1, L k=:a@2, L k=1@3, L k=:b@4, L k=:c@5, L k=~@6',
    'deleting-what-never-joined': 'L k=1@1, L k=~@2, L k=~@3, L j=~@4',
    'from-one-unmatched-to-another': 'L k=1@1, L k=2@2, L k=3@3',
    'an-old-right-row-says-nothing': 'R 1=a@1, R 2=b@2, L k=1@3, L k=2@4, R 1=c@5, R 2=d@6',
    'deleting-a-right-row-of-two': 'R 1=a@1, R 2=b@2, L x=1:x@3, L y=2:y@4, L z=1:z@5, R 1=~@6, R 1=~@7, R 1=c@8',
    'the-same-right-row-again': 'R 1=a@1, L k=1:x@2, L k=1:y@3, L ~=1:z@4, R ~=b@5',
  }).map(([name, inputs]): Sequence => [`foreign-key/${mode}/${name}`, { kind: 'foreign-key', mode }, inputs]),
);

export const joinSequences: readonly Sequence[] = [...streamStream, selfJoin, ...lookups, ...foreignKey];
