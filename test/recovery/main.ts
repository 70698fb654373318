import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seedOf } from '../seed.ts';

/** `npm run test:kills -- --kills 1000 --seed 7`: the tests of `kill.test.ts` with so many kills together. */
const { values } = parseArgs({ options: { kills: { type: 'string', default: '1000' }, seed: { type: 'string' } } });
const TESTS = 5;
const kills = Number(values.kills);
if (!Number.isInteger(kills) || kills < 1) throw new Error('--kills takes a number of kills');
if (values.seed !== undefined) process.env['TOPO_SEED'] = values.seed;
const seed = seedOf('kills');

const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
// as many at once as make a small machine busy: more only wait for each other
const args = ['run', 'test/recovery/kill.test.ts', '--maxConcurrency=2', '--disableConsoleIntercept'];
const { status } = spawnSync(process.execPath, [vitest, ...args], {
  cwd: join(import.meta.dirname, '../..'),
  env: { ...process.env, TOPO_SEED: String(seed), TOPO_KILLS: String(Math.ceil(kills / TESTS)) },
  stdio: 'inherit',
});
if (status !== 0) process.stdout.write(`Run it again with: npm run test:kills -- --kills ${kills} --seed ${seed}\n`);
process.exitCode = status ?? 1;
