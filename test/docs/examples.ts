import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** A code block of a page, and the sequence behind it that says what it does. */
export interface Example {
  /** `docs/windows.md:12`: where its code begins. */
  readonly place: string;
  /** Of the file it is written to, to be compiled and run. */
  readonly file: string;
  readonly code: string;
  /** How it is fenced. `compiled`: it starts something, so it is not run; `excerpt`: its lines stand in a file of `topologies/`. */
  readonly how: string | undefined;
  readonly sequence: Sequence | undefined;
}

/** What is fed, and what comes of it, line by line. */
export type Sequence = readonly Event[];

export type Event =
  | { readonly kind: 'records'; readonly records: SequenceRecord[]; readonly outcome: Outcome }
  | { readonly kind: 'clock'; readonly ms: number; readonly outcome: Outcome };

export interface Outcome {
  readonly outputs: SequenceRecord[];
  /** Of each record that was dropped why, or of each dead letter its code. */
  readonly drops: string[];
}

/** Key and value as the page writes them. */
export interface SequenceRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  readonly timestamp: number;
}

const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`)].filter(name =>
  name.endsWith('.md'),
);

/** Every block of TypeScript in the README and under `docs/`. */
export function readExamples(): Example[] {
  return pages.flatMap(page => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const blocks = [...text.matchAll(/^```(\w+)(?: (\w+))?\n([\s\S]*?)^```$/gm)].map(match => ({
      language: match[1]!,
      how: match[2],
      content: match[3]!,
      line: text.slice(0, match.index).split('\n').length + 1,
    }));
    return blocks.flatMap(({ language, how, content, line }, index) => {
      const follower = blocks[index + 1];
      if (language !== 'ts') return [];
      const place = `${page}:${line}`;
      return {
        place,
        file: `${page.replaceAll(/\W/g, '-')}-${line}.ts`,
        code: content.replaceAll("'./topologies/", "'../../../topologies/"),
        how,
        sequence: follower?.language === 'sequence' ? parsed(follower.content, place) : undefined,
      };
    });
  });
}

/**
 * A line is a record, `topic  key  value  @time` with two spaces or more between its parts, or `advance 5 s`. A record behind `+` is
 * fed together with the one above, so that both are in one commit. Behind `→` stands what the line above led to, in order; behind
 * `✗` why a record was dropped, or the code of a dead letter. Times are in ms, or have a unit: `@90s`, `P-1[0s..60s]`.
 */
function parsed(content: string, place: string): Sequence {
  const events: Event[] = [];
  for (const line of content.split('\n').filter(text => text.trim() !== '')) {
    const [, sign, rest] = /^\s*([→+✗])?\s*(.*?)\s*$/.exec(line)!;
    const advance = /^advance (\d+) (\w+)$/.exec(rest!);
    if (sign === '✗') events.at(-1)!.outcome.drops.push(rest!);
    else if (advance) events.push({ kind: 'clock', ms: inMs(advance[1]!, advance[2]), outcome: { outputs: [], drops: [] } });
    else addRecord(events, sign, recordOf(rest!, `${place}: '${line}'`));
  }
  return events;
}

function addRecord(events: Event[], sign: string | undefined, record: SequenceRecord): void {
  const last = events.at(-1);
  if (sign === '→') last!.outcome.outputs.push(record);
  else if (sign === '+' && last?.kind === 'records') last.records.push(record);
  else events.push({ kind: 'records', records: [record], outcome: { outputs: [], drops: [] } });
}

function recordOf(text: string, place: string): SequenceRecord {
  const [, topic, key, value, time, unit] = /^(\S+) {2,}(.+?) {2,}(.+?) {2,}@(\d+)([a-z]*)$/.exec(text) ?? [];
  if (time === undefined) throw new Error(`${place} is no line of a sequence`);
  const windowed = /^(.*)\[(\d+)([a-z]*)\.\.(\d+)([a-z]*)\]$/.exec(key!);
  const [, of, start, startUnit, end, endUnit] = windowed ?? [];
  const written = windowed ? `${of}[${inMs(start!, startUnit)}..${inMs(end!, endUnit)}]` : key!;
  return { topic: topic!, key: written, value: value!, timestamp: inMs(time, unit) };
}

const UNITS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

const inMs = (amount: string, unit = ''): number =>
  Number(amount) * UNITS[(unit === '' ? 'ms' : unit) as keyof typeof UNITS];
