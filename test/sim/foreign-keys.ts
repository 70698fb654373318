import { string, topic, topology } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import type { LogContent } from '../../src/testing/simulator/outcome.ts';
import type { Random } from '../../src/testing/simulator/random.ts';
import type { Case } from './random-topology.ts';

const KEYS = 4;
const claims = topic('claims', string(), string());
const policies = topic('policies', string(), string());
const joined = topic('joined', string(), string());

/** `P1:5` refers to P1, `-:5` to none. */
const reference = (claim: string) => (claim.startsWith('-') ? null : claim.split(':')[0]!);
const pair = (claim: string, policy: string | null) => `${claim} ${policy}`;

/**
 * A join by foreign key goes through two repartitions, so that its changes come in any order: what must be right is its rows in
 * the end, made from the rows of both tables.
 */
export function drawForeignKeys(random: Random): Case {
  const isLeft = random.chance(0.5);
  const sim = topology('fk', t => {
    const [left, right] = [t.table('claims-rows', claims), t.table('policies-rows', policies)];
    const rows = isLeft
      ? left.leftJoin('with-policy', right, reference, pair)
      : left.join('with-policy', right, reference, pair);
    rows.as(string()).to(joined);
  });
  const input = Array.from({ length: 20 + random.below(40) }, (_, n): InputRecord => {
    const isClaim = random.chance(0.6);
    const value = isClaim ? `${random.chance(0.1) ? '-' : `P${random.below(KEYS)}`}:${n}` : `policy ${n}`;
    return {
      topic: isClaim ? 'claims' : 'policies',
      key: `${isClaim ? 'C' : 'P'}${random.below(KEYS)}`,
      value: random.chance(0.2) ? null : value,
      timestamp: n,
    };
  });
  return { topology: sim, input, partitions: 1 + random.below(3), check: log => checkRows(log, isLeft) };
}

function checkRows(log: LogContent, isLeft: boolean): void {
  const [left, right, found] = ['claims', 'policies', 'joined'].map(name => rowsOf(log, name)) as [Rows, Rows, Rows];
  const expected = new Map<string, string>();
  for (const [key, claim] of left) {
    const policy = right.get(reference(claim) ?? '') ?? null;
    if (policy !== null || isLeft) expected.set(key, pair(claim, policy));
  }
  const text = (rows: Rows) => JSON.stringify([...rows].sort());
  if (text(found) !== text(expected)) throw new Error(`the rows are ${text(found)}, and should be ${text(expected)}`);
}

type Rows = ReadonlyMap<string, string>;

/** The last value of each key. */
function rowsOf(log: LogContent, topic: string): Rows {
  const rows = new Map<string, string>();
  for (const { key, value } of log.records.get(topic)!)
    if (value === null) rows.delete(Buffer.from(key!).toString());
    else rows.set(Buffer.from(key!).toString(), Buffer.from(value).toString());
  return rows;
}
