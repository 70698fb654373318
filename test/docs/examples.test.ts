import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import type { Topology, Windowed } from '../../src/index.ts';
import type { OutputRecord, TopologyTestDriver } from '../../src/testing/index.ts';
import { drive } from '../drive.ts';
import { headerTexts } from '../headers.ts';
import { readExamples } from './examples.ts';
import type { Sequence, SequenceRecord } from './examples.ts';

// Files, since the compiler and the module loader want files; tools pass over a folder with a dot.
const FOLDER = join(import.meta.dirname, '.examples');
const all = readExamples();
const examples = all.filter(({ how }) => how !== 'excerpt');
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
for (const { file, code } of examples) writeFileSync(join(FOLDER, file), code);

describe('the examples of the documentation', () => {
  test('compile', { timeout: 120_000 }, () => {
    const config = ts.readConfigFile(join(import.meta.dirname, '../../tsconfig.json'), path => ts.sys.readFile(path));
    const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, join(import.meta.dirname, '../..'));
    const files = examples.map(({ file }) => join(FOLDER, file));
    const program = ts.createProgram(files, { ...options, noUnusedLocals: false });
    const wrong = examples.flatMap(({ file, place }) => {
      const source = program.getSourceFile(join(FOLDER, file))!;
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
        ({ start, messageText }) =>
          `${place} + ${source.getLineAndCharacterOfPosition(start ?? 0).line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      );
    });
    expect(wrong).toEqual([]);
  });

  test.each(examples.filter(({ how }) => how !== 'compiled'))('$place loads', async ({ file }) => {
    await import(join(FOLDER, file));
  });

  test.each(all.filter(({ how }) => how === 'excerpt'))('$place stands in its topology file', ({ code }) => {
    const lines = (text: string) => text.split('\n').filter(line => line.trim() !== '');
    const folder = join(import.meta.dirname, '../../topologies');
    const files = readdirSync(folder).filter(name => name.endsWith('.ts'));
    const missing = files.map(name => {
      const has = new Set(lines(readFileSync(join(folder, name), 'utf8')));
      return lines(code).filter(line => !has.has(line));
    });
    expect(missing.sort((a, b) => a.length - b.length)[0]).toEqual([]);
  });

  test.each(examples.filter(({ sequence }) => sequence))('$place does what its sequence shows', async example => {
    const { default: topology } = (await import(join(FOLDER, example.file))) as { default: Topology };
    await using driver = await drive(topology);
    await play(driver, topology, example.sequence!);
  });
});

async function play(driver: TopologyTestDriver, topology: Topology, sequence: Sequence): Promise<void> {
  const sinks = [...new Set(topology.nodes.flatMap(node => (node.kind === 'sink' ? [node.topic.name] : [])))];
  const outputs: string[] = [];
  const expected: string[] = [];
  let before = driver.figures().dropped;
  for (const event of sequence) {
    const lines = event.kind === 'records' ? event.records.map(text) : [`advance ${event.ms}`];
    // between topics there is no order
    const ordered = [...event.outcome.outputs].sort((a, b) => sinks.indexOf(a.topic) - sinks.indexOf(b.topic));
    expected.push(...lines, ...ordered.map(output => `→ ${text(normal(output))}`), ...failures(event.outcome.drops));
    if (event.kind === 'records') await driver.pipeAll(event.records.map(inputOf));
    else await driver.advance(event.ms).then(() => driver.idle());
    outputs.push(...lines);
    for (const sink of sinks) for (const output of await driver.read(sink)) outputs.push(`→ ${text(shown(output))}`);
    const letters = await driver.read(`${topology.name}.dead-letters`);
    const codes = letters.map(({ headers }) => headerTexts(headers)['topo.code']!);
    const { dropped } = driver.figures();
    outputs.push(...failures([...newDrops(before, dropped), ...codes]));
    before = dropped;
  }
  expect(outputs).toEqual(expected);
}

type Dropped = ReturnType<TopologyTestDriver['figures']>['dropped'];

const newDrops = (before: Dropped, after: Dropped): string[] =>
  Object.entries(after).flatMap(([reason, count]) =>
    Array.from({ length: count - (before[reason as keyof Dropped] ?? 0) }, () => reason),
  );

const failures = (drops: readonly string[]): string[] => [...drops].sort().map(drop => `✗ ${drop}`);

/** An output as the page writes it, in the form that `shown` gives. */
const normal = (record: SequenceRecord): SequenceRecord => ({ ...record, value: keyText(plain(record.value)) });

const text = ({ topic, key, value, timestamp }: SequenceRecord): string => `${topic} ${key} ${value} @${timestamp}`;

const inputOf = ({ topic, key, value, timestamp }: SequenceRecord) => ({
  topic,
  key: plain(key),
  value: plain(value),
  timestamp,
});

/** JSON where it is JSON: a number, an object, null; else the text itself. */
function plain(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return written;
  }
}

const shown = ({ topic, key, value, timestamp }: OutputRecord): SequenceRecord => ({
  topic,
  key: isWindowed(key) ? `${keyText(key.key)}[${key.start}..${key.end}]` : keyText(key),
  value: keyText(value),
  timestamp,
});

const keyText = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part));

const isWindowed = (key: unknown): key is Windowed<unknown> =>
  typeof key === 'object' && key !== null && 'start' in key && 'end' in key;
