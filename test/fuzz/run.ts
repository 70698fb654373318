import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { howToRepeat } from './fuzzer.ts';
import type { Tally } from './fuzzer.ts';

/** A process that begins no turn for so long hangs in a case. */
const HANGS_MS = 60_000;
/** What all cases together may hold of the heap. None needs more than some MB. */
const HEAP_MB = 512;

type Message =
  | { readonly target: string; readonly from: number }
  | { readonly tallies: Readonly<Record<string, Tally>> }
  | { readonly failure: string };

/**
 * Runs all targets in a process of its own, which may hang or run out of memory: whoever waits here notices.
 * @throws the first failure, naming seed and case
 */
export async function runFuzzer(seed: number, minutes: number): Promise<Readonly<Record<string, Tally>>> {
  const args = [`--max-old-space-size=${HEAP_MB}`, '--import', 'tsx', '--conditions', 'topo-source'];
  const child = spawn(process.execPath, [...args, join(import.meta.dirname, 'child.ts'), String(seed), String(minutes)], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let turn = { target: 'none', from: 0 };
  let result: Message | undefined;
  let errors = '';
  let hangs = false;
  const watch = setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, HANGS_MS);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4000)));
  createInterface(child.stdout).on('line', line => {
    watch.refresh();
    const message = JSON.parse(line) as Message;
    if ('target' in message) turn = message;
    else result = message;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(watch);
  if (result !== undefined && 'tallies' in result) return result.tallies;
  if (result !== undefined && 'failure' in result) throw new Error(result.failure);
  const what = hangs ? `began no turn for ${HANGS_MS / 1000} s` : `ended with ${code ?? signal}`;
  throw new Error(`the process ${what} behind ${howToRepeat(seed, turn.target, turn.from)}\n${errors}`);
} // prettier-ignore
