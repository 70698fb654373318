import { KEYS, LEFT, RETENTIONS_MS, RIGHT, UNWINDOWED } from './recipe.ts';
import type { Side, Variety } from './recipe.ts';

/** Every join, by mode and by what a versioned table or a grace changes. */
export function joinVarieties(): Variety[] {
  return [...streamStream(), ...streamTable(), ...tableTable(), ...lookups()];
}

const TABLES: readonly Side[] = [
  { ...LEFT, keys: KEYS.slice(0, 2), nullValuePercent: 20 },
  { ...RIGHT, keys: KEYS.slice(0, 2), nullValuePercent: 20 },
];

function streamStream(): Variety[] {
  const grown = { sides: [LEFT, RIGHT], stepMs: 6, leapMs: 50, nullKeyPercent: 5, endsOn: ['left', 'right'] };
  return (['inner', 'left', 'outer'] as const).flatMap(mode => [
    {
      name: `stream-stream/${mode}/ordered`,
      draw: dice => {
        const [beforeMs, afterMs] = dice.oneOf([
          [10, 10],
          [0, 10],
          [10, 0],
          [20, 5],
          [5, 20],
        ] as const);
        const topology = { kind: 'stream-stream', mode, beforeMs, afterMs, graceMs: dice.oneOf([0, 5, 30]) } as const;
        return { topology, recipe: { ...grown, backMs: 0 } };
      },
    },
    {
      name: `stream-stream/${mode}/in-grace`,
      draw: dice => {
        const [beforeMs, afterMs] = dice.oneOf([
          [10, 10],
          [20, 5],
          [5, 20],
        ] as const);
        const graceMs = dice.oneOf([4, 8, 30, 1_000]);
        const topology = { kind: 'stream-stream', mode, beforeMs, afterMs, graceMs } as const;
        return { topology, recipe: { ...grown, backMs: Math.min(beforeMs, afterMs, graceMs) } };
      },
    },
    {
      name: `stream-stream/${mode}/late`,
      draw: dice => {
        const [beforeMs, afterMs] = dice.oneOf([
          [10, 10],
          [0, 10],
          [10, 0],
          [20, 5],
          [5, 20],
        ] as const);
        const topology = { kind: 'stream-stream', mode, beforeMs, afterMs, graceMs: dice.oneOf([0, 5, 15]) } as const;
        return { topology, recipe: { ...grown, backMs: 60 } };
      },
    },
  ]);
}

function streamTable(): Variety[] {
  const sides = [LEFT, { ...RIGHT, nullValuePercent: 20 }];
  return (['inner', 'left'] as const).flatMap(mode => [
    {
      name: `stream-table/${mode}`,
      draw: () => ({ topology: { kind: 'stream-table', mode }, recipe: { ...UNWINDOWED, sides } }),
    },
    {
      name: `stream-table/${mode}/versioned`,
      draw: dice => ({
        topology: { kind: 'stream-table', mode, versionedMs: dice.oneOf(RETENTIONS_MS) },
        recipe: { ...UNWINDOWED, sides },
      }),
    },
    {
      name: `stream-table/${mode}/grace`,
      draw: dice => ({
        topology: {
          kind: 'stream-table',
          mode,
          versionedMs: dice.oneOf([20, 100_000]),
          graceMs: dice.oneOf([0, 5, 20]),
        },
        recipe: {
          ...UNWINDOWED,
          sides,
          // Kafka Streams throws on a null key in a left join with grace
          nullKeyPercent: mode === 'left' ? 0 : UNWINDOWED.nullKeyPercent,
          endsOn: ['left'],
        },
      }),
    },
  ]);
}

function tableTable(): Variety[] {
  const recipe = { ...UNWINDOWED, sides: TABLES };
  return (['inner', 'left', 'outer'] as const).flatMap(mode => [
    { name: `table-table/${mode}`, draw: () => ({ topology: { kind: 'table-table', mode }, recipe }) },
    {
      name: `table-table/${mode}/left-versioned`,
      draw: dice => ({ topology: { kind: 'table-table', mode, leftVersionedMs: dice.oneOf(RETENTIONS_MS) }, recipe }),
    },
    {
      name: `table-table/${mode}/right-versioned`,
      draw: dice => ({ topology: { kind: 'table-table', mode, rightVersionedMs: dice.oneOf(RETENTIONS_MS) }, recipe }),
    },
    {
      name: `table-table/${mode}/both-versioned`,
      draw: dice => {
        const leftVersionedMs = dice.oneOf(RETENTIONS_MS);
        return {
          topology: { kind: 'table-table', mode, leftVersionedMs, rightVersionedMs: dice.oneOf(RETENTIONS_MS) },
          recipe,
        };
      },
    },
  ]);
}

function lookups(): Variety[] {
  const mapped: Side = {
    ...LEFT,
    value: (dice, count) => (dice.below(10) === 0 ? `:${count}` : `${dice.oneOf(['p', 'q', 'r'])}${count}`),
  };
  const looked: Side = { ...RIGHT, keys: ['p', 'q', 'r'], nullValuePercent: 20 };
  const referring: Side = {
    ...LEFT,
    nullValuePercent: 15,
    value: (dice, count) => (dice.below(10) === 0 ? `:${count}` : `${dice.oneOf(['p', 'q', 'r'])}:${count}`),
  };
  return (['inner', 'left'] as const).flatMap(mode => [
    {
      name: `global-table/${mode}`,
      draw: () => ({ topology: { kind: 'global-table', mode }, recipe: { ...UNWINDOWED, sides: [mapped, looked] } }),
    },
    {
      name: `foreign-key/${mode}`,
      draw: () => ({ topology: { kind: 'foreign-key', mode }, recipe: { ...UNWINDOWED, sides: [referring, looked] } }),
    },
  ]);
}
