import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inChild } from './child-process.ts';
import type { Line } from './lines/line.ts';
import { median } from './sample.ts';
import type { Sample } from './sample.ts';
import { copyBacklog } from './work-folder.ts';

/** A line of the table: medians over the rounds. */
export interface Figure {
  readonly name: string;
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakMemoryMb: number;
  /** Of CPU-seconds: the median of the rounds' own ratios. Undefined where there is no bare loop, as are the others. */
  readonly ratioToBare: number | undefined;
}

export interface Comparison extends Figure {
  readonly bareCpuSecondsPerMillion: number | undefined;
  /** Of wall time. */
  readonly wallRatio: number | undefined;
}

export interface Extent {
  readonly folder: string;
  readonly rounds: number;
  readonly records: number;
  readonly progress: (text: string) => void;
}

interface Round {
  readonly topo: Sample;
  readonly bare: Sample | undefined;
}

/** Runs a line, and its bare loop in turn with it, on copies of one backlog. @throws Error where their outputs differ */
export async function compare(line: Line, { folder, rounds, records, progress }: Extent): Promise<Comparison> {
  const backlog = join(folder, 'backlog');
  progress(`writing ${records.toLocaleString('en')} records`);
  const written = await inChild('backlog', line.name, backlog, records);
  const outcomes = new Set<string>();
  const once = async (job: keyof Round, round: number): Promise<Sample> => {
    progress(`round ${round + 1} of ${rounds}, ${job}`);
    const copy = join(folder, job);
    await copyBacklog(backlog, copy);
    const { sample, text } = await inChild(job, line.name, copy, records);
    await rm(copy, { recursive: true });
    outcomes.add(text);
    if (outcomes.size > 1)
      throw new Error(`${line.name}: the outputs of the runs differ:\n${[...outcomes].join('\n')}`);
    return sample;
  };
  const bareOnce = (round: number) => (line.bare === undefined ? undefined : once('bare', round));
  const samples: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    // each goes first in every other round
    const topoFirst = round % 2 === 0 ? await once('topo', round) : undefined;
    const bare = await bareOnce(round);
    samples.push({ topo: topoFirst ?? (await once('topo', round)), bare });
  }
  await rm(backlog, { recursive: true });
  return summary(line.name, samples, written);
}

function summary(name: string, samples: readonly Round[], records: number): Comparison {
  const of = (value: (round: Round) => number) => median(samples.map(value));
  const ofBoth = (value: (topo: Sample, bare: Sample) => number): number | undefined => {
    const values = samples.flatMap(({ topo, bare }) => (bare === undefined ? [] : [value(topo, bare)]));
    return values.length === 0 ? undefined : rounded(median(values));
  };
  return {
    name,
    recordsPerSecond: Math.round((records / of(({ topo }) => topo.wallMs)) * 1000),
    cpuSecondsPerMillion: rounded(of(({ topo }) => topo.cpuMs) * (1000 / records)),
    peakMemoryMb: Math.round(of(({ topo }) => topo.peakMemoryMb)),
    ratioToBare: ofBoth((topo, bare) => topo.cpuMs / bare.cpuMs),
    bareCpuSecondsPerMillion: ofBoth((_, bare) => bare.cpuMs * (1000 / records)),
    wallRatio: ofBoth((topo, bare) => topo.wallMs / bare.wallMs),
  };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
