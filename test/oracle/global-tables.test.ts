import { describe, expect, test } from 'vitest';
import { string, topic, topology } from '../../src/index.ts';
import { brief, drive } from '../drive.ts';
import { readCases } from './cases.ts';
import type { OracleCase } from './cases.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const out = topic('out', string(), string());

const rowOf = (value: string) => (value.startsWith(':') ? null : value[0]!);

const joined = (mode: 'inner' | 'left') =>
  topology('oracle', t => {
    const rows = t.globalTable('rows', right);
    const stream = t.stream(left);
    const results =
      mode === 'inner'
        ? stream.join('joined', rows, rowOf, (l, r) => `${l}-${r}`)
        : stream.leftJoin('joined', rows, rowOf, (l, r) => `${l}-${r}`);
    results.as(string()).to(out);
  });

async function compare({ mode, inputs, outputs }: OracleCase & { mode: 'inner' | 'left' }) {
  await using driver = await drive(joined(mode));
  const got: string[][] = [];
  for (const input of inputs) {
    await driver.pipe(input);
    got.push(brief(await driver.read('out')));
  }
  const wanted = outputs.map(rows => rows.map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`));
  expect(got).toEqual(wanted);
}

describe('joins with a global table give what Kafka Streams gives', () => {
  for (const one of readCases())
    if (one.topology.kind === 'global-table') {
      const { mode } = one.topology;
      test(one.name, () => compare({ ...one, mode }));
    }
});
