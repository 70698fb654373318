import { readFileSync } from 'node:fs';

type Emit = 'update' | 'final';
type Windowed = { readonly graceMs: number; readonly emit: Emit };

/** What a case runs; README.md says what each kind and parameter means. */
export type OracleTopology =
  | {
      readonly kind: 'stream-stream';
      readonly mode: 'inner' | 'left' | 'outer';
      readonly beforeMs: number;
      readonly afterMs: number;
      readonly graceMs: number;
    }
  | {
      readonly kind: 'stream-table';
      readonly mode: 'inner' | 'left';
      readonly versionedMs?: number;
      readonly graceMs?: number;
    }
  | {
      readonly kind: 'table-table';
      readonly mode: 'inner' | 'left' | 'outer';
      readonly leftVersionedMs?: number;
      readonly rightVersionedMs?: number;
    }
  | { readonly kind: 'global-table' | 'foreign-key'; readonly mode: 'inner' | 'left' }
  | ({ readonly kind: 'tumbling'; readonly sizeMs: number } & Windowed)
  | ({ readonly kind: 'hopping'; readonly sizeMs: number; readonly advanceMs: number } & Windowed)
  | ({ readonly kind: 'sliding'; readonly diffMs: number } & Windowed)
  | ({ readonly kind: 'session'; readonly gapMs: number } & Windowed)
  | { readonly kind: 'windowed-count-suppressed'; readonly sizeMs: number; readonly graceMs: number }
  | { readonly kind: 'suppress-time-limit'; readonly limitMs?: number; readonly maxRecords?: number }
  | { readonly kind: 'aggregate' | 'reduce' | 'count' | 'table-aggregate' | 'table-filter' }
  | { readonly kind: 'table-count'; readonly versionedMs?: number }
  | { readonly kind: 'cogroup'; readonly sizeMs?: number; readonly graceMs?: number };

export interface OracleOutput {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

export interface OracleInput extends OracleOutput {
  readonly topic: string;
}

export interface OracleCase {
  readonly name: string;
  readonly topology: OracleTopology;
  readonly inputs: readonly OracleInput[];
  /** What Kafka Streams wrote to `out`, in order: `outputs[i]` is what `inputs[i]` led to. */
  readonly outputs: readonly (readonly OracleOutput[])[];
}

/** A line of `cases.jsonl`. An input is `topic|key|value|timestamp`; `~` is null. */
export interface CaseLine {
  readonly name: string;
  readonly topology: OracleTopology;
  readonly inputs: readonly string[];
}

interface ExpectedLine {
  readonly name: string;
  readonly outputs: readonly (readonly string[])[];
}

/** All cases with what Kafka Streams makes of them, in file order. Throws where the two files do not fit each other. */
export function readCases(): OracleCase[] {
  const expected = linesOf('expected.jsonl').map(line => JSON.parse(line) as ExpectedLine);
  const cases = linesOf('cases.jsonl').map(line => JSON.parse(line) as CaseLine);
  if (cases.length !== expected.length) throw new Error('cases.jsonl and expected.jsonl differ: run npm run oracle');
  return cases.map((one, index) => {
    const { name, outputs } = expected[index]!;
    if (one.name !== name || one.inputs.length !== outputs.length)
      throw new Error(`expected.jsonl does not answer case ${one.name}: run npm run oracle`);
    return { ...one, inputs: one.inputs.map(inputOf), outputs: outputs.map(rows => rows.map(outputOf)) };
  });
}

function linesOf(file: string): string[] {
  return readFileSync(new URL(file, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');
}

function inputOf(row: string): OracleInput {
  const [topic = '', ...rest] = row.split('|');
  return { topic, ...outputOf(rest.join('|')) };
}

function outputOf(row: string): OracleOutput {
  const [key = '', value = '', timestamp] = row.split('|');
  return { key: orNull(key), value: orNull(value), timestamp: Number(timestamp) };
}

function orNull(field: string): string | null {
  return field === '~' ? null : field;
}
