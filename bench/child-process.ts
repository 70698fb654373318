import { execFileSync, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answers, Job } from './child.ts';

const ROOT = join(import.meta.dirname, '..');
export const BUILT = join(ROOT, '.cache', 'bench');

/**
 * Compiles the bench and the engine as the package is compiled: tsx wraps every function that a function makes, which costs
 * more than what is measured here.
 */
export function buildChildren(): void {
  execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(ROOT, 'bench')], {
    stdio: 'inherit',
  });
  // so that generated code finds this copy of the engine
  const exports = { '.': './src/index.js' };
  writeFileSync(join(BUILT, 'package.json'), JSON.stringify({ name: 'topo-streams', type: 'module', exports }));
}

/** Does one job in a process of its own. @throws Error when that fails */
export function inChild<J extends Job>(job: J, line: string, folder: string, records: number): Promise<Answers[J]> {
  const child = fork(join(BUILT, 'bench', 'child.js'), [job, line, folder, String(records)], { execArgv: [] });
  return new Promise((resolve, reject) => {
    let answer: Answers[J] | undefined;
    child.on('message', message => (answer = message as Answers[J]));
    child.on('error', reject);
    child.on('exit', code => {
      if (code === 0 && answer !== undefined) resolve(answer);
      else reject(new Error(`the ${job} of ${line} failed (exit ${code})`));
    });
  });
}
