import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inChild } from './child-process.ts';
import type { CompactionFigures, Policy } from './compaction.ts';
import type { Extent } from './comparison.ts';
import { median } from './sample.ts';
import { copyBacklog } from './work-folder.ts';

/** What compacting a changelog costs the topology that writes it: the same run with and without, in turn, on copies of one backlog. */
export async function compactionCost({ folder, rounds, records, progress }: Extent): Promise<string> {
  const backlog = join(folder, 'backlog');
  progress(`writing ${records.toLocaleString('en')} records`);
  await inChild('backlog', 'count-100k', backlog, records);
  const once = async (policy: Policy, round: number): Promise<CompactionFigures> => {
    progress(`round ${round + 1} of ${rounds}, ${policy}`);
    const copy = join(folder, policy);
    await copyBacklog(backlog, copy);
    const figures = await inChild('compaction', policy, copy, records);
    await rm(copy, { recursive: true });
    return figures;
  };
  const pairs: Record<Policy, CompactionFigures>[] = [];
  for (let round = 0; round < rounds; round++) {
    // each goes first in every other round
    const first = round % 2 === 0 ? await once('compact', round) : undefined;
    const other = await once('delete', round);
    pairs.push({ compact: first ?? (await once('compact', round)), delete: other });
  }
  await rm(backlog, { recursive: true });
  return textOf(pairs, records);
}

function textOf(pairs: readonly Record<Policy, CompactionFigures>[], records: number): string {
  const ratio = (value: (figures: CompactionFigures) => number) =>
    median(pairs.map(pair => value(pair.compact) / value(pair.delete))).toFixed(2);
  const of = (policy: Policy, value: (figures: CompactionFigures) => number) =>
    median(pairs.map(pair => value(pair[policy])));
  const mb = (policy: Policy) => (of(policy, ({ bytes }) => bytes) / 1e6).toFixed(0);
  const ms = (value: (figures: CompactionFigures) => number) =>
    `${of('compact', value).toFixed(0)} ms (${of('delete', value).toFixed(0)})`;
  return [
    `compaction beside ${records.toLocaleString('en')} updates of 100,000 rows: a changelog of ${mb('compact')} MB instead of ${mb('delete')}`,
    `  until all is processed: CPU x${ratio(({ processing }) => processing.cpuMs)}, time x${ratio(({ processing }) => processing.wallMs)}`,
    `  until all is cleaned:   CPU x${ratio(({ whole }) => whole.cpuMs)}, time x${ratio(({ whole }) => whole.wallMs)}`,
    `  the event loop's delay with it (without): p99 ${ms(({ delayMs }) => delayMs)}, longest ${ms(({ longestMs }) => longestMs)}`,
  ].join('\n');
}
