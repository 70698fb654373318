import { rm } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Endpoint } from '../src/metrics/endpoint.ts';
import { run } from '../src/run.ts';
import type * as Engine from '../src/run.ts';
import { BUILT, inChild } from './child-process.ts';
import { PARTITIONS } from './lines/line.ts';
import type { Line } from './lines/line.ts';
import { passRaw } from './lines/pass-raw.ts';
import { pass } from './lines/pass.ts';
import { measured, median } from './sample.ts';
import type { Sample } from './sample.ts';
import { writeUncounted } from './uncounted.ts';
import { copyBacklog } from './work-folder.ts';

const UNCOUNTED = `${BUILT}-uncounted`;
/** The same as a compiled child sees it. */
const ENGINE = join(import.meta.dirname, '..', '..', 'bench-uncounted', 'src', 'run.js');
/** Prometheus itself asks every 15 s or so. */
const SCRAPE_MS = 1000;
const ALLOWED_RATIO = 1.03;
const ROUNDS = 15;
const LINES = [pass, passRaw];

/** With every figure, and an endpoint that is scraped; measured once that is open. */
export async function counted(line: Line, folder: string): Promise<Sample> {
  const topology = line.topology();
  const endpoint = await Endpoint.open({ host: '127.0.0.1', port: 0, topologies: [topology.name] });
  const scraping = setInterval(() => ask(`${endpoint.url}/metrics`), SCRAPE_MS);
  const sample = await measured(async () => {
    const running = await run(topology, optionsFor(line, folder));
    endpoint.started(running);
    await running.idle();
    if (running.figures().in === 0) throw new Error('nothing was counted');
    return () => running.stop();
  });
  clearInterval(scraping);
  await endpoint.close();
  return sample;
}

function ask(url: string): void {
  // the endpoint may close meanwhile
  get(url, response => response.resume()).on('error', () => {});
}

/** The same engine without a figure. */
export async function uncounted(line: Line, folder: string): Promise<Sample> {
  const engine = (await import(pathToFileURL(ENGINE).href)) as typeof Engine;
  return measured(async () => {
    const running = await engine.run(line.topology(), optionsFor(line, folder));
    await running.idle();
    if (running.figures().in !== 0) throw new Error('something was counted');
    return () => running.stop();
  });
}

const optionsFor = ({ memoryBytes }: Line, data: string) => ({ data, partitions: PARTITIONS, memoryBytes });

export interface FiguresOptions {
  readonly folder: string;
  readonly rounds?: number | undefined;
  readonly records?: number | undefined;
  readonly progress: (text: string) => void;
}

/** What all figures cost a topology that only passes records through: a line each, as text. */
export async function figuresBench(options: FiguresOptions): Promise<string[]> {
  writeUncounted(BUILT, UNCOUNTED);
  const texts: string[] = [];
  for (const line of LINES) texts.push(await costOf(line, options));
  return texts;
}

async function costOf(line: Line, options: FiguresOptions): Promise<string> {
  const { folder, rounds = ROUNDS, records = line.records, progress } = options;
  const backlog = join(folder, 'backlog');
  progress(`figures, ${line.name}: writing`);
  await inChild('backlog', line.name, backlog, records);
  const once = async (job: 'counted' | 'uncounted') => {
    const copy = join(folder, job);
    await copyBacklog(backlog, copy);
    const { cpuMs } = await inChild(job, line.name, copy, records);
    await rm(copy, { recursive: true });
    return cpuMs;
  };
  const pairs: { readonly counted: number; readonly uncounted: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`figures, ${line.name}: round ${round + 1} of ${rounds}`);
    // each goes first in every other round
    const first = round % 2 === 0 ? await once('counted') : undefined;
    const without = await once('uncounted');
    pairs.push({ counted: first ?? (await once('counted')), uncounted: without });
  }
  await rm(backlog, { recursive: true });
  const perMillion = (job: 'counted' | 'uncounted') => (median(pairs.map(pair => pair[job])) * 1000) / records;
  const ratios = pairs.map(pair => pair.counted / pair.uncounted).toSorted((a, b) => a - b);
  const ratio = median(ratios);
  const aim = ratio <= ALLOWED_RATIO ? 'met' : 'missed';
  return (
    `figures, ${line.name}: ${perMillion('counted').toFixed(3)} CPU s/M with, ${perMillion('uncounted').toFixed(3)} without; ` +
    `ratio ${ratio.toFixed(3)} (${ratios[0]!.toFixed(3)} to ${ratios.at(-1)!.toFixed(3)}), aim <= ${ALLOWED_RATIO}: ${aim}`
  );
}
