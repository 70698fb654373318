import { CANONICAL, OUT_OF_ORDER } from './canonical.ts';
import type { CaseLine, OracleTopology } from './cases.ts';
import { joinSequences } from './join-sequences.ts';
import { windowSequences } from './window-sequences.ts';

/** Inputs in short: `L A@3` is value A at 3 ms on `left` (R `right`, I `in`) under key k, `L j=A@3` under key j. */
export type Sequence = readonly [name: string, topology: OracleTopology, inputs: string];

/** Sequences that the documentation and the tests of Kafka Streams are known for, and the boundaries of its rules. */
export function sequences(): CaseLine[] {
  return [...canonical(), ...joinSequences, ...windowSequences].map(([name, topology, inputs]) => ({
    name: `sequence/${name}`,
    topology,
    inputs: inputs.split(',').map(written),
  }));
}

const TOPICS: Readonly<Record<string, string>> = { L: 'left', R: 'right', I: 'in' };
const INPUT = /^(?<side>[LRI]) (?:(?<key>[^=]+)=)?(?<value>[^@]+)@(?<timestamp>\d+)$/;

function written(text: string): string {
  const parts = INPUT.exec(text.trim())?.groups;
  if (!parts) throw new Error(`not an input: ${text}`);
  return `${TOPICS[parts['side']!]!}|${parts['key'] ?? 'k'}|${parts['value']!}|${parts['timestamp']!}`;
}

function canonical(): Sequence[] {
  const inputs = { 'in-order': CANONICAL, 'out-of-order': OUT_OF_ORDER };
  return (['inner', 'left', 'outer'] as const).flatMap(mode =>
    Object.entries(inputs).flatMap(([order, rows]) => [
      ...(mode === 'outer' ? [] : streamTables(order, mode, rows)),
      ...tableTables(order, mode, rows),
    ]),
  );
}

function streamTables(order: string, mode: 'inner' | 'left', rows: string): Sequence[] {
  const name = `${order}/stream-table/${mode}`;
  const versionedMs = 300_000;
  return [
    [name, { kind: 'stream-table', mode }, rows],
    [`${name}/versioned`, { kind: 'stream-table', mode, versionedMs }, rows],
    [`${name}/versioned-grace-2`, { kind: 'stream-table', mode, versionedMs, graceMs: 2 }, rows],
  ];
}

function tableTables(order: string, mode: 'inner' | 'left' | 'outer', rows: string): Sequence[] {
  const name = `${order}/table-table/${mode}`;
  const [leftVersionedMs, rightVersionedMs] = [300_000, 300_000];
  return [
    [name, { kind: 'table-table', mode }, rows],
    [`${name}/both-versioned`, { kind: 'table-table', mode, leftVersionedMs, rightVersionedMs }, rows],
    [`${name}/left-versioned`, { kind: 'table-table', mode, leftVersionedMs }, rows],
    [`${name}/right-versioned`, { kind: 'table-table', mode, rightVersionedMs }, rows],
  ];
}
