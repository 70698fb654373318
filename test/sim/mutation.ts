import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileSources } from '../recovery/compiled.ts';
import type { CompiledSources } from '../recovery/compiled.ts';
import type { Mutant } from './mutants.ts';

const ROOT = join(import.meta.dirname, '../..');
/** A seed takes a fraction of a second: one that takes this long hangs. */
const HANGS_MS = 60_000;

export interface Caught {
  /** How many seeds it took; null: none of them noticed. */
  readonly seeds: number | null;
  readonly how: string;
}

/** A copy of the source that mutants are put into, one at a time. */
export class MutationGround implements Disposable {
  readonly #compiled: CompiledSources = compileSources('test/sim');

  get folder(): string {
    return this.#compiled.folder;
  }

  [Symbol.dispose](): void {
    this.#compiled[Symbol.dispose]();
  }

  /** Runs seeds on a mutant until one notices. @throws Error where the source is not what the mutant was made for */
  async hunt(mutant: Mutant, from: number, runs: number): Promise<Caught> {
    const file = join('src', mutant.file);
    this.#compiled.compile(file, mutated(mutant));
    try {
      return await huntIn(this.folder, from, runs);
    } finally {
      this.#compiled.compile(file, textOf(mutant));
    }
  }

  /** Runs seeds on the source as it is. */
  async control(from: number, runs: number): Promise<Caught> {
    return huntIn(this.folder, from, runs);
  }
}

const textOf = ({ file }: Mutant): string => readFileSync(join(ROOT, 'src', file), 'utf8');

/** The source with its fault. @throws Error where the source is not what the mutant was made for */
export function mutated(mutant: Mutant): string {
  const { name, file, find, replace } = mutant;
  const text = textOf(mutant);
  const count = text.split(find).length - 1;
  if (count !== 1)
    throw new Error(
      `mutant '${name}': its text stands ${count} times in src/${file}. Adapt the mutant to the source:\n${find}`,
    );
  return text.replace(find, () => replace);
}

async function huntIn(folder: string, from: number, runs: number): Promise<Caught> {
  const child = spawn(process.execPath, [join(folder, 'test/sim/child.js'), String(from), String(runs)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [seed, how, errors] = [from, '', ''];
  let hangs = false;
  let timer = setTimeout(() => {}, 0);
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, HANGS_MS);
  };
  wait();
  child.stderr.setEncoding('utf8').on('data', text => (errors += text));
  createInterface({ input: child.stdout }).on('line', line => {
    wait();
    if (line.startsWith('seed ')) seed = Number(line.slice(5));
    else how = line;
  });
  const code = await new Promise<number | null>(resolve => child.on('close', resolve));
  clearTimeout(timer);
  if (code === 0) return { seeds: null, how: 'not caught' };
  if (hangs) how = 'caught: it hangs';
  return {
    seeds: seed - from + 1,
    how: how || `caught: the process ended, ${errors.split('\n').find(line => /Error/.test(line))}`,
  };
}
