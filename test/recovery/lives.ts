import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Dice } from '../seed.ts';
import type { ScenarioName } from './scenarios.ts';

/** When a process is killed: so many ms after it was spawned, or after the n-th line that says `word` (or once it is idle). */
export type Moment =
  | { readonly kind: 'time'; readonly afterMs: number }
  | { readonly kind: 'line'; readonly word: string; readonly nth: number; readonly afterMs: number };

export interface Life {
  readonly moment: Moment;
  /** What it said before it was killed. */
  readonly lines: readonly string[];
}

/** What a process was doing when it was killed. */
export function phaseOf({ lines }: Life): 'loading' | 'starting' | 'running' | 'idle' {
  if (lines.includes('idle')) return 'idle';
  if (lines.includes('running')) return 'running';
  return lines.includes('starting') ? 'starting' : 'loading';
}

/** A process that says nothing for so long hangs. */
const SILENT_MS = 120_000;

/** A moment out of the seed: at any time, during the start, the restore or a commit, or while nothing is to do. */
export function drawMoment(dice: Dice): Moment {
  const line = (word: string, nth: number, afterMs: number): Moment => ({ kind: 'line', word, nth, afterMs });
  const draw = dice.below(20);
  if (draw < 9) return line('commit', 1 + dice.below(5), dice.below(10));
  if (draw < 13) return line('running', 1, dice.below(250));
  if (draw < 16) return line('starting', 1, dice.below(600));
  return draw < 18 ? { kind: 'time', afterMs: 200 + dice.below(2000) } : line('idle', 1, dice.below(60));
}

/** Runs a scenario in a process of its own until that moment, and kills it. @throws when it ends by itself */
export async function liveUntil(compiled: string, scenario: ScenarioName, data: string, moment: Moment): Promise<Life> {
  const child = spawn(process.execPath, [join(compiled, 'test/recovery/child.js'), scenario, data], {
    cwd: compiled,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[code: number | null, signal: string | null]>;
  const lines: string[] = [];
  let errors = '';
  let killed = false;
  const timers: NodeJS.Timeout[] = [];
  const killIn = (ms: number) => {
    const kill = () => {
      killed = true;
      child.kill('SIGKILL');
    };
    if (ms === 0) kill();
    else timers.push(setTimeout(kill, ms));
  };
  const watchdog = setTimeout(() => child.kill('SIGKILL'), SILENT_MS);
  timers.push(watchdog);
  let seen = 0;
  if (moment.kind === 'time') killIn(moment.afterMs);
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  createInterface(child.stdout).on('line', line => {
    lines.push(line);
    watchdog.refresh();
    if (moment.kind !== 'line') return;
    if (line === moment.word) seen++;
    if ((line === moment.word && seen === moment.nth) || line === 'idle') killIn(moment.afterMs);
  });
  const [code, signal] = await ended;
  timers.forEach(clearTimeout);
  if (!killed)
    throw new Error(`the process ended by itself (${code ?? signal}): ${lines.slice(-3).join('; ')}\n${errors}`);
  return { moment, lines };
}

/** One time in six the state is gone as well, so that it is restored whole. */
export async function maybeLoseState(dice: Dice, data: string): Promise<void> {
  if (dice.below(6) === 0) await rm(join(data, 'state'), { recursive: true, force: true });
}
