import type { Slots, TransformNode } from '../graph/topology.ts';
import type { Lookup, Site, Step } from './chain.ts';
import { IN, OUT } from './counters.ts';
import type { Unit } from './unit.ts';
import { defined, iterable, synchronous } from './values.ts';

type Compile = (node: TransformNode, site: Site) => Step;

/** The stateless steps. Each sets `unit.step` before it calls the user's function, so that an error names the right one. */
export const TRANSFORMS: Readonly<Record<TransformNode['op'], Compile>> = {
  values: (node, site) => {
    const { counters, next } = site;
    const { values } = counters;
    const row = counters.row(node.id);
    const tombstone = site.drop('tombstone');
    return value => {
      values[row + IN]!++;
      if (value === null && !node.tombstones) return tombstone();
      values[row + OUT]!++;
      next(value, null);
    };
  },

  filter: (node, { unit, counters, slots, next }) => {
    const { fn } = slots;
    const { id } = node;
    const { values } = counters;
    const row = counters.row(id);
    if (!node.table)
      return value => {
        values[row + IN]!++;
        unit.step = id;
        if (!synchronous(fn(value, unit))) return;
        values[row + OUT]!++;
        next(value, null);
      };
    return (value, old) => {
      values[row + IN]!++;
      unit.step = id;
      const passes = value !== null && synchronous(fn(value, unit) as unknown);
      unit.step = id;
      const passed = old !== null && synchronous(fn(old, unit) as unknown);
      if (!passes && !passed) return;
      values[row + OUT]!++;
      next(passes ? value : null, passed ? old : null);
    };
  },

  map: (node, { unit, counters, slots, next }) => {
    const { fn } = slots;
    const { id } = node;
    const { values } = counters;
    const row = counters.row(id);
    if (!node.table)
      return value => {
        values[row + IN]!++;
        unit.step = id;
        const result: unknown = defined(fn(value, unit));
        values[row + OUT]!++;
        next(result, null);
      };
    return (value, old) => {
      values[row + IN]!++;
      unit.step = id;
      const result: unknown = value === null ? null : defined(fn(value, unit));
      const before: unknown = old === null ? null : defined(fn(old, unit));
      values[row + OUT]!++;
      next(result, before);
    };
  },

  flatMap: (node, { unit, counters, slots, next }) => {
    const { fn } = slots;
    const { id } = node;
    const { values } = counters;
    const row = counters.row(id);
    return value => {
      values[row + IN]!++;
      unit.step = id;
      for (const result of iterable(fn(value, unit))) {
        values[row + OUT]!++;
        next(defined(result, 'element'), null);
        // the rest of a generator is this step's code again
        unit.step = id;
      }
    };
  },

  peek: (node, { unit, counters, slots, next }) => {
    const { fn } = slots;
    const { id } = node;
    const { values } = counters;
    const row = counters.row(id);
    return (value, old) => {
      values[row + IN]!++;
      unit.step = id;
      fn(value, unit);
      values[row + OUT]!++;
      next(value, old);
    };
  },

  merge: handOn,
  branch: handOn,
  toStream: handOn,

  split: (node, site) => {
    const { unit, counters, slots } = site;
    const { id } = node;
    const { values } = counters;
    const row = counters.row(id);
    const branches = (node.branches ?? []).map((name, index) => ({ fn: slots['fns'][index], next: site.branch(name) }));
    return value => {
      values[row + IN]!++;
      unit.step = id;
      for (const { fn, next } of branches)
        if (synchronous(fn(value, unit))) {
          values[row + OUT]!++;
          next(value, null);
          return;
        }
    };
  },
};

function handOn(node: TransformNode, { counters, next }: Site): Step {
  const { values } = counters;
  const row = counters.row(node.id);
  return (value, old) => {
    values[row + IN]!++;
    values[row + OUT]!++;
    next(value, old);
  };
}

/** Rows of a table behind a `map` or `filter`, made from the rows in front of it when they are looked up. */
export function transformedRows(node: TransformNode, rows: Lookup, { fn }: Slots, unit: Unit): Lookup {
  const of = (row: unknown): unknown => {
    if (row === null) return null;
    const { step } = unit;
    unit.step = node.id;
    const result: unknown = defined(fn(row, unit));
    unit.step = step;
    if (node.op === 'map') return result;
    return result ? row : null;
  };
  const { at } = rows;
  return {
    get: key => of(rows.get(key)),
    ...(at && { at: (key: string, timestamp: number) => of(at(key, timestamp)) }),
    get timestamp() {
      return rows.timestamp;
    },
  };
}
