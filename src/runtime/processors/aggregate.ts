import { FatalError } from '../../errors.ts';
import type { Aggregator } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { everyInput } from '../chain.ts';
import type { Compiled, Site, Step } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { defined } from '../values.ts';
import { statesIn } from './states.ts';

/**
 * A running result for each key of a stream, or of several streams, each with what it adds. Null keys and null values are
 * dropped.
 */
export function aggregate(node: ProcessorNode, site: Site): Compiled {
  return streamAggregate(node, site, aggregator => {
    const update = updater(node, site, aggregator);
    return (key, value) => update(key, null, value);
  });
}

/** The steps of an aggregate of streams, in windows or not: what `taking` gives for an input takes each of its values that counts. */
export function streamAggregate(
  node: ProcessorNode,
  site: Site,
  taking: (aggregator: Aggregator) => (key: string, value: unknown) => void,
): Compiled {
  const { unit } = site;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [nullKey, nullValue] = [site.drop('null-key'), site.drop('null-value')];
  const stepOf = (aggregator: Aggregator): Step => {
    const take = taking(aggregator);
    return value => {
      values[row + IN]!++;
      const key = unit.storeKey;
      if (key === null) return nullKey();
      if (value === null) return nullValue();
      take(key, value);
    };
  };
  return { steps: aggregatorsOf(node, site).map(stepOf) };
}

/** For each input the aggregator with what this input adds. */
function aggregatorsOf(node: ProcessorNode, { slots }: Pick<Site, 'slots'>): Aggregator[] {
  const { aggregator, adds } = slots as { aggregator: Aggregator; adds?: readonly Aggregator['add'][] };
  return node.inputs.map((_, input) => (adds ? { ...aggregator, add: adds[input]! } : aggregator));
}

/** A running result for each group of a table's rows: a changed row's old value is subtracted before its new one is added. */
export function aggregateTable(node: ProcessorNode, site: Site): Compiled {
  const aggregator = site.slots['aggregator'] as Aggregator;
  const { unit } = site;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const update = updater(node, site, aggregator);

  return everyInput(node, (value, old) => {
    values[row + IN]!++;
    const key = unit.storeKey;
    if (key === null) throw new FatalError('TOPO_INTERNAL', `a change without a group reached '${node.id}'`);
    update(key, old, value);
  });
}

/**
 * Folds values into the state under a key, and hands on the result unless it waits for its window's close (`emit: 'final'`). The
 * result's timestamp is the largest of all that went into it.
 */
export function updater(node: ProcessorNode, site: Site, aggregator: Aggregator) {
  const { unit, next, needsOld } = site;
  const states = statesIn(site.store(node.stores[0]!.name), aggregator, site.written);
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const isFinal = node.options['emit'] === 'final';

  return (key: string, subtracted: unknown, added: unknown): void => {
    unit.step = node.id;
    const before = states.get(key);
    const timestamp = before === null ? unit.timestamp : Math.max(unit.timestamp, states.timestamp);
    // a state of its own: the aggregator may change the one it is given
    const old = before === null || !needsOld ? null : aggregator.result(states.get(key));
    let state: unknown = before ?? aggregator.init();
    if (subtracted !== null) state = defined(aggregator.subtract!(state, subtracted));
    if (added !== null) state = defined(aggregator.add(state ?? aggregator.init(), added));
    states.put(key, state, timestamp);
    if (isFinal) return;
    const result = state === null ? null : aggregator.result(state);
    values[row + OUT]!++;
    const recordTimestamp = unit.timestamp;
    unit.timestamp = timestamp;
    next(result, old);
    unit.timestamp = recordTimestamp;
  };
}
