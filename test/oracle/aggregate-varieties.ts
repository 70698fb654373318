import { IN, LEFT, RETENTIONS_MS, RIGHT, UNWINDOWED } from './recipe.ts';
import type { Recipe, Side, Variety } from './recipe.ts';

/** Every aggregate: windowed, of streams, of tables, and a filtered table. */
export function aggregateVarieties(): Variety[] {
  return [...windows(), ...aggregates(), ...tables()];
}

/** Only each third case has null values: Kafka Streams counts them in windows (see README.md). */
function windowed(sides: readonly Side[], spanMs: number, graceMs: number, count: number): Recipe {
  return {
    sides: sides.map(side => ({ ...side, nullValuePercent: count % 3 === 0 ? 8 : 0 })),
    stepMs: Math.ceil(spanMs / 3),
    leapMs: 4 * (spanMs + graceMs),
    backMs: 2 * spanMs + graceMs,
    nullKeyPercent: 5,
    endsOn: [sides[0]!.topic],
  };
}

function windows(): Variety[] {
  const graces = [0, 3, 20];
  const emitting = (['update', 'final'] as const).flatMap((emit): Variety[] => [
    {
      name: `tumbling/${emit}`,
      draw: (dice, count) => {
        const [sizeMs, graceMs] = [dice.oneOf([5, 10]), dice.oneOf(graces)];
        return {
          topology: { kind: 'tumbling', sizeMs, graceMs, emit },
          recipe: windowed([IN], sizeMs, graceMs, count),
        };
      },
    },
    {
      name: `hopping/${emit}`,
      draw: (dice, count) => {
        const [[sizeMs, advanceMs], graceMs] = [
          dice.oneOf([
            [10, 5],
            [10, 3],
            [12, 4],
          ] as const),
          dice.oneOf(graces),
        ];
        const topology = { kind: 'hopping', sizeMs, advanceMs, graceMs, emit } as const;
        return { topology, recipe: windowed([IN], sizeMs, graceMs, count) };
      },
    },
    {
      name: `sliding/${emit}`,
      draw: (dice, count) => {
        const [diffMs, graceMs] = [dice.oneOf([5, 10]), dice.oneOf(graces)];
        return { topology: { kind: 'sliding', diffMs, graceMs, emit }, recipe: windowed([IN], diffMs, graceMs, count) };
      },
    },
    {
      name: `session/${emit}`,
      draw: (dice, count) => {
        const [gapMs, graceMs] = [dice.oneOf([3, 8]), dice.oneOf(graces)];
        // keys of one gap: steps must often be longer than it
        const recipe = { ...windowed([IN], gapMs, graceMs, count), stepMs: gapMs };
        return { topology: { kind: 'session', gapMs, graceMs, emit }, recipe };
      },
    },
  ]);
  const sized = (name: string, kind: 'windowed-count-suppressed' | 'cogroup', sides: readonly Side[]): Variety => ({
    name,
    draw: (dice, count) => {
      const [sizeMs, graceMs] = [dice.oneOf([5, 10]), dice.oneOf(graces)];
      return { topology: { kind, sizeMs, graceMs }, recipe: windowed(sides, sizeMs, graceMs, count) };
    },
  });
  return [
    ...emitting,
    sized('windowed-count-suppressed', 'windowed-count-suppressed', [IN]),
    sized('cogroup/tumbling', 'cogroup', [LEFT, RIGHT]),
  ];
}

function aggregates(): Variety[] {
  const recipe = { ...UNWINDOWED, sides: [IN] };
  return [
    ...(['aggregate', 'reduce', 'count'] as const).map((kind): Variety => ({
      name: kind,
      draw: () => ({ topology: { kind }, recipe }),
    })),
    {
      name: 'cogroup',
      draw: () => ({ topology: { kind: 'cogroup' }, recipe: { ...UNWINDOWED, sides: [LEFT, RIGHT] } }),
    },
  ];
}

function tables(): Variety[] {
  const recipe = (value: Side['value']): Recipe => ({
    ...UNWINDOWED,
    sides: [{ topic: 'in', keys: ['a', 'b', 'c', 'd'], nullValuePercent: 20, value }],
  });
  const colours = recipe(dice => dice.oneOf(['x', 'y', 'w']));
  const ended = { ...colours, endsOn: ['in'] };
  return [
    {
      name: 'table-aggregate',
      draw: () => ({
        topology: { kind: 'table-aggregate' },
        recipe: recipe((dice, count) => `${dice.oneOf(['p', 'q'])}${count}`),
      }),
    },
    { name: 'table-count', draw: () => ({ topology: { kind: 'table-count' }, recipe: colours }) },
    {
      name: 'table-count/versioned',
      draw: dice => ({ topology: { kind: 'table-count', versionedMs: dice.oneOf(RETENTIONS_MS) }, recipe: colours }),
    },
    {
      name: 'table-filter',
      draw: () => ({ topology: { kind: 'table-filter' }, recipe: recipe(dice => `v${dice.below(10)}`) }),
    },
    {
      name: 'suppress-time-limit/limit',
      draw: dice => ({ topology: { kind: 'suppress-time-limit', limitMs: dice.oneOf([5, 20]) }, recipe: ended }),
    },
    {
      name: 'suppress-time-limit/max-records',
      draw: dice => ({ topology: { kind: 'suppress-time-limit', maxRecords: dice.oneOf([1, 2]) }, recipe: ended }),
    },
    {
      name: 'suppress-time-limit/both',
      draw: dice => ({
        topology: { kind: 'suppress-time-limit', limitMs: dice.oneOf([5, 20]), maxRecords: dice.oneOf([1, 2]) },
        recipe: ended,
      }),
    },
  ];
}
