import { expect, test } from 'vitest';
import { TopologyError, hopping, json, string, topic, topology } from '../../src/index.ts';

const claims = topic('claims', string(), json<{ paid: number }>());

/** A file is loaded without a check of its types, so what they forbid must be refused here too. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as a caller without types sees it
const refusal = (declare: (stream: any) => unknown): unknown => {
  try {
    topology('app', t => void declare(t.stream(claims)));
  } catch (error) {
    return error;
  }
  return undefined;
};

test.each([
  ['process without a definition', s => s.process('p'), /'p' takes a function, not undefined/],
  ['process without its name', s => s.process({ record() {} }), /takes its name first/],
  ['scan without a serde', s => s.scan('s', () => 0, 0), /scan 's' keeps a state.*give its serde as fourth argument/],
  ['dedupe without options', s => s.dedupe('d'), /by of 'd' takes a function/],
  ['dedupe without a time', s => s.dedupe('d', { by: () => 1 }), /'within' of 'd' is undefined/],
  ['suppress without options', s => s.toTable('rows').suppress('s'), /'timeLimit' is undefined.*'5 min'/],
  ['sum without a function', s => s.groupByKey().sum('c'), /'c' takes a function/],
  ['reduce without a function', s => s.groupByKey().reduce('c'), /'c' takes a function/],
  ['aggregate without aggregators', s => s.groupByKey().aggregate('a'), /takes an object of aggregators/],
  ['window without a window', s => s.groupByKey().window(), /window\(…\) takes a window/],
  ['hopping without every', s => s.groupByKey().window(hopping('1 h', undefined as never)), /'every' is undefined/],
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
] as [string, (stream: any) => unknown, RegExp][])('%s is refused, saying what it takes', (_, declare, message) => {
  const error = refusal(declare);
  expect(error).toBeInstanceOf(TopologyError);
  expect((error as TopologyError).message).toMatch(message);
});
