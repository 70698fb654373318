import { describe, expect, test } from 'vitest';
import { string, topic, topology } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { readCases } from './cases.ts';
import type { OracleCase, OracleInput, OracleOutput } from './cases.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const out = topic('out', string(), string());

const foreignKeyOf = (value: string) => (value.startsWith(':') ? null : value.split(':')[0]!);

const joined = (mode: 'inner' | 'left') =>
  topology('oracle', t => {
    const [lefts, rights] = [t.table('lefts', left), t.table('rights', right)];
    const table =
      mode === 'inner'
        ? lefts.join('joined', rights, foreignKeyOf, (l, r) => `${l}-${r}`)
        : lefts.leftJoin('joined', rights, foreignKeyOf, (l, r) => `${l}-${r}`);
    table.as(string()).to(out);
  });

/** Without timestamps: ours are the larger of both sides', Kafka Streams' those of the side that changed. In the order of keys. */
const values = (outputs: readonly Pick<OracleOutput, 'key' | 'value'>[]) =>
  outputs.map(({ key, value }) => `${key}=${value}`).sort();

/**
 * A tombstone of a right row that is not there says nothing to our table; Kafka Streams answers it once more for each left row
 * that refers to it.
 */
function repeatsTombstone(inputs: readonly OracleInput[], index: number): boolean {
  const { topic: side, key, value } = inputs[index]!;
  const before = inputs.slice(0, index).findLast(input => input.topic === side && input.key === key);
  return side === 'right' && value === null && (before?.value ?? null) === null;
}

async function compare({ topology: { kind }, mode, inputs, outputs }: OracleCase & { mode: 'inner' | 'left' }) {
  expect(kind).toBe('foreign-key');
  await using driver = await drive(joined(mode));
  const got: string[][] = [];
  for (const input of inputs) {
    await driver.pipe(input);
    got.push(values(await driver.read<string, string>('out')));
  }
  expect(got).toEqual(outputs.map((rows, index) => (repeatsTombstone(inputs, index) ? [] : values(rows))));
}

describe('foreign-key joins give the values that Kafka Streams gives', () => {
  for (const one of readCases())
    if (one.topology.kind === 'foreign-key') {
      const { mode } = one.topology;
      test(one.name, () => compare({ ...one, mode }));
    }
});
