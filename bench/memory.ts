import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { protobuf, string, topic, topology } from '../src/index.ts';
import { run } from '../src/run.ts';
import { writeBacklog } from './backlog.ts';
import { inChild } from './child-process.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { CLAIMS, OUT, PARTITIONS, stateMemory } from './lines/line.ts';
import { measured } from './sample.ts';
import type { Sample } from './sample.ts';

export const MEMORY_RECORDS = 5_000_000;
const BUDGETS_MIB = [128, 256, 512];
/** What `docs/memory.md` says that a process takes besides its budget. */
export const CONSTANT_MIB = Number(process.versions.node.split('.')[0]) < 24 ? 256 : 384;
const MIB = 1024 * 1024;
/** What the cache counts for a claim: its entry, key and value. */
const CLAIM_BYTES = 200 + 10 + 112;
/** The state is so many times what the caches hold. */
const TIMES_CACHE = 4;
const LOOK_MS = 20;

/** The newest claim of each policy, each change written out: a row read, a row written and a changelog record for each record. */
const latest = topology('latest', t => {
  t.table('claims', topic(CLAIMS, string(), protobuf(Claim)))
    .toStream()
    .to(topic(OUT, string(), protobuf(Claim)));
});

export interface MemoryFigures extends Sample {
  /** The most that was resident at any time. */
  readonly peakMib: number;
  /** The most of that which is no file: what cannot be taken back without the process. */
  readonly peakAnonMib: number;
  /** What the caches hold at the end. */
  readonly cachedMib: number;
}

const keysFor = (budgetMib: number): number => {
  const { cacheBytes } = stateMemory(budgetMib * MIB);
  return Math.ceil((cacheBytes * PARTITIONS * TIMES_CACHE) / CLAIM_BYTES);
};

export function writeMemoryBacklog(folder: string, budgetMib: number, records: number): Promise<number> {
  return writeBacklog(folder, { key: 'policy', policies: keysFor(budgetMib) }, records);
}

/** Runs over the backlog that lies in the folder, within a budget. */
export async function measureMemory(folder: string, budgetMib: number): Promise<MemoryFigures> {
  let peakAnonMib = 0;
  const looking = setInterval(() => (peakAnonMib = Math.max(peakAnonMib, statusMib('RssAnon'))), LOOK_MS);
  let cachedMib = 0;
  const sample = await measured(async () => {
    const running = await run(latest, { data: folder, memoryBytes: budgetMib * MIB });
    await running.idle();
    for (const { cachedBytes } of running.figures().stores) cachedMib += cachedBytes / MIB;
    return () => running.stop();
  });
  clearInterval(looking);
  return { ...sample, peakMib: statusMib('VmHWM'), peakAnonMib, cachedMib };
}

/** A line of what Linux tells of this process: `resourceUsage().maxRSS` begins with what its parent had. */
function statusMib(name: string): number {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kib) / 1024;
}

export interface MemoryOptions {
  readonly folder: string;
  readonly records: number;
  readonly progress: (text: string) => void;
}

/** Peak memory over a backlog, for several budgets, as text. */
export async function memoryBench({ folder, records, progress }: MemoryOptions): Promise<string> {
  const lines: string[] = [];
  for (const budget of BUDGETS_MIB) {
    const data = join(folder, 'memory');
    progress(`memory, ${budget} MiB: writing`);
    await inChild('memory-backlog', String(budget), data, records);
    progress(`memory, ${budget} MiB: running`);
    const { peakMib, peakAnonMib, cachedMib, wallMs } = await inChild('memory', String(budget), data, records);
    await rm(data, { recursive: true });
    const over = peakMib - budget;
    lines.push(
      `memory, ${budget} MiB: peak ${peakMib.toFixed(0)} MiB, of which ${peakAnonMib.toFixed(0)} no file; ` +
        `${over.toFixed(0)} besides the budget, aim <= ${CONSTANT_MIB}: ${over <= CONSTANT_MIB ? 'met' : 'missed'}; ` +
        `${keysFor(budget).toLocaleString('en')} rows, ${cachedMib.toFixed(0)} MiB of them in caches; ${(wallMs / 1000).toFixed(0)} s`,
    );
  }
  return lines.join('\n');
}
