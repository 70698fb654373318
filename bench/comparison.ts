import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inChild } from './child-process.ts';
import type { Job } from './child.ts';
import { KEYS } from './lines/line.ts';
import type { Line } from './lines/line.ts';
import { median } from './sample.ts';
import type { Sample } from './sample.ts';
import { copyBacklog } from './work-folder.ts';

/** A line of the table: medians over the alternations. */
export interface Figure {
  readonly name: string;
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakMemoryMb: number;
  /** Of CPU-seconds: the median of the rounds' own ratios. */
  readonly ratioToBare: number;
}

export interface Comparison extends Figure {
  readonly bareCpuSecondsPerMillion: number;
  /** Of wall time. */
  readonly wallRatio: number;
}

type Round = Record<'topo' | 'bare', Sample>;

/** Runs a line and its bare loop in turn on copies of one backlog. @throws Error where their outputs differ */
export async function compare(
  line: Line,
  {
    folder,
    rounds,
    records,
    progress,
  }: { folder: string; rounds: number; records: number; progress: (text: string) => void },
): Promise<Comparison> {
  const backlog = join(folder, 'backlog');
  progress(`writing ${records.toLocaleString('en')} records`);
  await inChild('backlog', line.name, backlog, records);
  const digests = new Set<string>();
  const once = async (job: Job & keyof Round, round: number): Promise<Sample> => {
    progress(`round ${round + 1} of ${rounds}, ${job}`);
    const copy = join(folder, job);
    await copyBacklog(backlog, copy);
    const { sample, digest } = (await inChild(job, line.name, copy, records))!;
    await rm(copy, { recursive: true });
    digests.add(digest);
    if (digests.size > 1) throw new Error(`${line.name}: the outputs of the runs differ:\n${[...digests].join('\n')}`);
    return sample;
  };
  const samples: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    // each goes first in every other round
    const [topoFirst, bare] =
      round % 2 === 0 ? [await once('topo', round), await once('bare', round)] : [undefined, await once('bare', round)];
    samples.push({ topo: topoFirst ?? (await once('topo', round)), bare });
  }
  await rm(backlog, { recursive: true });
  return summary(line, samples, records + (line.backlog.policies === true ? KEYS : 0));
}

function summary({ name }: Line, samples: readonly Round[], records: number): Comparison {
  const of = (value: (round: Round) => number) => median(samples.map(value));
  return {
    name,
    recordsPerSecond: Math.round((records / of(({ topo }) => topo.wallMs)) * 1000),
    cpuSecondsPerMillion: round(of(({ topo }) => topo.cpuMs) * (1000 / records)),
    peakMemoryMb: Math.round(of(({ topo }) => topo.peakMemoryMb)),
    ratioToBare: round(of(({ topo, bare }) => topo.cpuMs / bare.cpuMs)),
    bareCpuSecondsPerMillion: round(of(({ bare }) => bare.cpuMs) * (1000 / records)),
    wallRatio: round(of(({ topo, bare }) => topo.wallMs / bare.wallMs)),
  };
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
