import { run } from '../src/run.ts';
import type { RunOptions } from '../src/run.ts';
import { PARTITIONS } from './lines/line.ts';
import type { Line } from './lines/line.ts';
import { counted, uncounted } from './figures.ts';
import { LINES } from './lines/index.ts';
import { measureCompaction } from './compaction.ts';
import type { CompactionFigures, Policy } from './compaction.ts';
import { measureMemory, writeMemoryBacklog } from './memory.ts';
import type { MemoryFigures } from './memory.ts';
import { measureRestore } from './restore.ts';
import { measured } from './sample.ts';
import type { Sample } from './sample.ts';

/** What a child process is asked for, and what it answers. Each has a process of its own, so that none finds another's code warm. */
export interface Answers {
  /** How many records it has written. */
  readonly backlog: number;
  readonly topo: Outcome;
  readonly bare: Outcome;
  readonly restore: Sample;
  /** A line with all figures, and without any. */
  readonly counted: Sample;
  readonly uncounted: Sample;
  readonly compaction: CompactionFigures;
  /** How many records it has written. */
  readonly 'memory-backlog': number;
  readonly memory: MemoryFigures;
}

export type Job = keyof Answers;

export interface Outcome {
  readonly sample: Sample;
  /** The line's `outcome`. */
  readonly text: string;
}

/** child.js <job> <line> <folder> <records> */
const [job, name, folder, records] = process.argv.slice(2) as [Job, string, string, string];

async function answer(): Promise<Answers[Job]> {
  if (job === 'restore') return measureRestore(folder, Number(records));
  if (job === 'memory-backlog') return writeMemoryBacklog(folder, Number(name), Number(records));
  if (job === 'memory') return measureMemory(folder, Number(name));
  if (job === 'compaction') return measureCompaction(folder, name as Policy);
  const line = LINES.find(each => each.name === name)!;
  if (job === 'backlog') return line.write(folder, Number(records));
  if (job === 'counted') return counted(line, folder);
  if (job === 'uncounted') return uncounted(line, folder);
  const sample = await (job === 'topo' ? topo(line) : measured(() => line.bare!(folder)));
  return { sample, text: await line.outcome(folder, Number(records)) };
}

/** From the call of `run` until all there is to read is processed and committed. */
async function topo(line: Line): Promise<Sample> {
  const options: RunOptions = { data: folder, partitions: PARTITIONS, memoryBytes: line.memoryBytes };
  return measured(async () => {
    const running = await run(line.topology(), options);
    await running.idle();
    return () => running.stop();
  });
}

const result = await answer();
if (process.send) process.send(result, () => process.disconnect());
else console.log(result);
