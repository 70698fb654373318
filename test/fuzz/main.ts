import { parseArgs } from 'node:util';
import { seedOf } from '../seed.ts';
import { runCase } from './fuzzer.ts';
import { runFuzzer } from './run.ts';
import { TARGETS } from './targets.ts';

/** `npm run test:fuzz -- --minutes 30 --seed 7`; `--case protobuf/123` runs one case, and with `--cases 500` those behind it too. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    case: { type: 'string' },
    cases: { type: 'string', default: '1' },
  },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const seed = values.seed === undefined ? seedOf('fuzz') : numberOf('seed', values.seed);

if (values.case === undefined) {
  const minutes = numberOf('minutes', values.minutes);
  const tallies = await runFuzzer(seed, minutes);
  const share = (minutes * 60) / Object.keys(tallies).length;
  for (const [name, { cases, values: taken }] of Object.entries(tallies))
    say(`${name.padEnd(15)} ${cases} cases, ${Math.round(cases / share)} a second; ${taken} values, ${cases - taken} refused`);
} else {
  const [name, from] = values.case.split('/');
  const target = TARGETS.find(one => one.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}; there are ${TARGETS.map(one => one.name).join(', ')}`);
  const [first, count] = [numberOf('case', from), numberOf('cases', values.cases)];
  for (let number = first; number < first + count; number++)
    say(`${name}/${number}: ${await runCase(target, seed, number)}`);
} // prettier-ignore

function numberOf(option: string, text = ''): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new Error(`--${option} takes a number, not '${text}'`);
}
