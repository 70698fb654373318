import type { TransformNode } from '../graph/topology.ts';
import type { Site, Step } from './chain.ts';
import { IN, OUT, dropColumn } from './counters.ts';
import { defined } from './unit.ts';

type Compile = (node: TransformNode, site: Site) => Step;

/** The stateless steps. Each sets `unit.step` before it calls the user's function, so that an error names the right one. */
export const TRANSFORMS: Readonly<Record<TransformNode['op'], Compile>> = {
  values: (node, { counters, next }) => {
    const { values } = counters;
    const row = counters.row(node.id);
    const dropped = row + dropColumn('tombstone');
    return value => {
      values[row + IN]!++;
      if (value === null && !node.tombstones) {
        values[dropped]!++;
        return;
      }
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
        if (!fn(value, unit)) return;
        values[row + OUT]!++;
        next(value, null);
      };
    return (value, old) => {
      values[row + IN]!++;
      unit.step = id;
      const passes = value !== null && fn(value, unit);
      unit.step = id;
      const passed = old !== null && fn(old, unit);
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
      for (const result of defined(fn(value, unit)) as Iterable<unknown>) {
        values[row + OUT]!++;
        next(defined(result), null);
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
        if (fn(value, unit)) {
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
