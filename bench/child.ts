import { run } from '../src/run.ts';
import type { RunOptions } from '../src/run.ts';
import { writeBacklog } from './backlog.ts';
import { digestOf } from './digest.ts';
import { PARTITIONS } from './lines/line.ts';
import type { Line } from './lines/line.ts';
import { LINES } from './lines/index.ts';
import { measureRestore } from './restore.ts';
import { measured } from './sample.ts';
import type { Sample } from './sample.ts';

/** What a child process is asked for. Each has a process of its own, so that none finds another's code warm. */
export type Job = 'backlog' | 'topo' | 'bare' | 'restore';

export interface Answer {
  readonly sample: Sample;
  readonly digest: string;
}

/** child.js <job> <line> <folder> <records> */
const [job, name, folder, records] = process.argv.slice(2) as [Job, string, string, string];

async function answer(): Promise<Answer | undefined> {
  if (job === 'restore') return { sample: await measureRestore(folder, Number(records)), digest: '' };
  const line = LINES.find(each => each.name === name)!;
  if (job === 'backlog') return void (await writeBacklog(folder, line.backlog, Number(records)));
  const sample = await (job === 'topo' ? topo(line) : measured(() => line.bare(folder)));
  return { sample, digest: await digestOf(folder, line) };
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
if (process.send) process.send(result ?? null, () => process.disconnect());
else console.log(result);
