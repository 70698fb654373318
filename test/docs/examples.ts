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
  | { readonly kind: 'record'; readonly record: SequenceRecord; readonly outputs: SequenceRecord[] }
  | { readonly kind: 'clock'; readonly ms: number; readonly outputs: SequenceRecord[] };

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
 * A line is a record, `topic  key  value  @time` with two spaces or more between its parts, or `advance 5 s`; behind an arrow stands what
 * the line above led to, in the order of its topic.
 */
function parsed(content: string, place: string): Sequence {
  const events: Event[] = [];
  for (const line of content.split('\n').filter(text => text.trim() !== '')) {
    const [, arrow, rest] = /^\s*(→)?\s*(.*?)\s*$/.exec(line)!;
    const advance = /^advance (\d+) (ms|s|min)$/.exec(rest!);
    if (advance) {
      const unit = { ms: 1, s: 1000, min: 60_000 }[advance[2] as 'ms' | 's' | 'min'];
      events.push({ kind: 'clock', ms: Number(advance[1]) * unit, outputs: [] });
      continue;
    }
    const [, topic, key, value, timestamp] = /^(\S+) {2,}(.+?) {2,}(.+?) {2,}@(\d+)$/.exec(rest!) ?? [];
    if (timestamp === undefined) throw new Error(`${place}: '${line}' is no line of a sequence`);
    const record = { topic: topic!, key: key!, value: value!, timestamp: Number(timestamp) };
    if (arrow === undefined) events.push({ kind: 'record', record, outputs: [] });
    else events.at(-1)!.outputs.push(record);
  }
  return events;
}
