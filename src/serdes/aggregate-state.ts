import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { slab } from './slab.ts';
import { MAX_FIXED, finishReading, readData, startReading, writeData } from './tagged-data.ts';

/** The state of composed aggregators, or their results: plain data a field. */
export type AggregateState = Record<string, unknown>;

const FORMAT = 1;

/**
 * The state of composed aggregators. A format byte, then a tagged value for each field, in the order of `fields`: [name,
 * aggregator], as the manifest has them.
 */
export function aggregateState(
  fields: readonly (readonly [name: string, aggregator: string])[],
): Serde<AggregateState> {
  const names = fields.map(([name]) => name);
  const size = 1 + names.length * MAX_FIXED;
  const make = stateMaker(names);
  const values: unknown[] = names.map(() => 0);
  return {
    description: { type: 'aggregate', fields },
    encode(state) {
      if (typeof state !== 'object' || state === null) throw unencodable(`expected a state, got ${kindOf(state)}`);
      let position = slab.open(size);
      slab.buffer[position++] = FORMAT;
      for (const name of names) position = writeData(position, state[name], name);
      return slab.close(position);
    },
    decode(bytes) {
      if (bytes[0] !== FORMAT) throw undecodable('expected the state of an aggregate');
      startReading(bytes, 1);
      for (let index = 0; index < values.length; index++) values[index] = readData();
      finishReading();
      return make(values);
    },
  };
}

/**
 * How many bytes numbers, bigints, null or an array of them take, at most; undefined with a bigint beyond 64 bits, of which only its
 * encoding tells.
 */
export function numericSize(state: unknown): number | undefined {
  if (typeof state === 'bigint') return state < LIMIT && state >= -LIMIT ? MAX_FIXED : undefined;
  if (!Array.isArray(state)) return MAX_FIXED;
  let size = MAX_FIXED;
  for (const item of state) size += numericSize(item) ?? NaN;
  return Number.isNaN(size) ? undefined : size;
}

const LIMIT = 2n ** 63n;

/** An object literal, so that all states share one hidden class. */
function stateMaker(names: readonly string[]): (values: readonly unknown[]) => AggregateState {
  const properties = names.map((name, index) => `[${JSON.stringify(name)}]: values[${index}]`);
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- names are quoted, all else is text of ours
  return new Function('values', `return { ${properties.join(', ')} };`) as (
    values: readonly unknown[],
  ) => AggregateState;
}
