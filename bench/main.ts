import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { buildChildren, inChild } from './child-process.ts';
import { compactionCost } from './compaction-cost.ts';
import { COMPACTION_RECORDS } from './compaction.ts';
import { compare } from './comparison.ts';
import type { Comparison, Figure } from './comparison.ts';
import { figuresBench } from './figures.ts';
import { GROUPS, LINES } from './lines/index.ts';
import type { Line } from './lines/line.ts';
import { serdeLines, tableOf } from './report.ts';
import { MEMORY_RECORDS, memoryBench } from './memory.ts';
import { RESTORE_KEYS } from './restore.ts';
import { serdeBench } from './serdes.ts';
import { withWorkFolder } from './work-folder.ts';

/** What stands in the table besides the lines. */
const EXTRAS = ['restore', 'compaction', 'serdes', 'figures', 'memory'];

const names = [...GROUPS.keys(), ...LINES.map(({ name }) => name), ...EXTRAS];

const ROUNDS = { compared: 5, alone: 3 };

const { only, json, rounds, records } = new Command('bench')
  .description('Measures the engine beside loops written by hand on the same bytes, on the embedded broker.')
  .option('--only <name>', `one line, or a group of lines: ${names.join(', ')}`, known)
  .option('--json <file>', 'writes the figures of the lines as an array')
  .option(
    '--rounds <count>',
    `alternations of engine and bare loop, default ${ROUNDS.compared}; ${ROUNDS.alone} without a bare loop`,
    count,
  )
  .option('--records <count>', 'instead of what each line has', count)
  .parse()
  .opts<{ only?: string; json?: string; rounds?: number; records?: number }>();

function known(name: string): string {
  if (!names.includes(name)) throw new InvalidArgumentError(`There are ${names.join(', ')}.`);
  return name;
}

function count(text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a count, 1 or more.');
  return value;
}

const started = performance.now();
const isWanted = (name: string) => only === undefined || only === name;
const wanted: readonly Line[] = GROUPS.get(only ?? '') ?? LINES.filter(({ name }) => isWanted(name));

/** What happens now: on a terminal one line that is redrawn. */
function progress(text: string): void {
  const line = `${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  else process.stderr.write(`${line}\n`);
}

progress('building');
buildChildren();
await withWorkFolder(async folder => {
  const figures: Comparison[] = [];
  for (const line of wanted)
    figures.push(
      await compare(line, {
        folder,
        rounds: rounds ?? (line.bare === undefined ? ROUNDS.alone : ROUNDS.compared),
        records: records ?? line.records,
        progress: text => progress(`${line.name}: ${text}`),
      }),
    );
  progress('');
  if (figures.length > 0) console.log(tableOf(figures));
  if (json !== undefined) await writeFile(json, JSON.stringify(figures.map(figureOf), undefined, 2) + '\n');
  if (isWanted('figures')) {
    const texts = await figuresBench({ folder, rounds, records, progress });
    progress('');
    console.log(`\n${texts.join('\n')}`);
  }
  if (isWanted('compaction')) {
    const text = await compactionCost({
      folder,
      rounds: rounds ?? ROUNDS.alone,
      records: records ?? COMPACTION_RECORDS,
      progress: step => progress(`compaction: ${step}`),
    });
    progress('');
    console.log(`\n${text}`);
  }
  if (only === 'memory') {
    const text = await memoryBench({ folder, records: records ?? MEMORY_RECORDS, progress });
    progress('');
    console.log(`\n${text}`);
  }
  if (isWanted('restore')) await restore(join(folder, 'restore'), records ?? RESTORE_KEYS);
});
if (isWanted('serdes')) {
  progress('serdes');
  const figures = await serdeBench();
  progress('');
  console.log(serdeLines(figures));
}

async function restore(folder: string, keys: number): Promise<void> {
  progress('restore');
  const { wallMs, cpuMs } = await inChild('restore', 'restore', folder, keys);
  const perSecond = Math.round((keys / wallMs) * 1000).toLocaleString('en');
  progress('');
  console.log(
    `\nrestore of ${keys.toLocaleString('en')} keys: ${perSecond} keys/s, ${((cpuMs * 1000) / keys).toFixed(2)} CPU s/M`,
  );
}

function figureOf({ name, recordsPerSecond, cpuSecondsPerMillion, peakMemoryMb, ratioToBare }: Comparison): Figure {
  return { name, recordsPerSecond, cpuSecondsPerMillion, peakMemoryMb, ratioToBare };
}
