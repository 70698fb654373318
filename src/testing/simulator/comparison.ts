import { DEAD_LETTER_HEADERS } from '../../runtime/dead-letters.ts';
import { deadLettersTopic } from '../../graph/names.ts';
import type { Topology } from '../../graph/topology.ts';
import { textOfKey } from '../../runtime/store-key.ts';
import { isCompacted } from './determinism.ts';
import type { LogContent, RawRecord } from './outcome.ts';
import type { Writers } from './simulated-broker.ts';

/** Not the same in two runs: where in the code it was, and ids of topics that each run made anew. */
export const ACCIDENTAL: ReadonlySet<string> = new Set([DEAD_LETTER_HEADERS.stacktrace, DEAD_LETTER_HEADERS.manifest]);

/**
 * What two runs wrote is the same: record by record where one task wrote a partition; where several did, in whatever order their
 * commits came. Of a compacted topic, what neither of them has deleted. @throws Error for what is not
 */
export function compareOutputs(topology: Topology, found: LogContent, expected: LogContent, writers: Writers): void {
  const sinks = topology.nodes.flatMap(node => (node.kind === 'sink' ? [node.topic.name] : []));
  for (const topic of new Set([...sinks, deadLettersTopic(topology.name)])) {
    const [own, other] = [found.records.get(topic)!, expected.records.get(topic)!];
    for (const partition of new Set([...own, ...other].map(one => one.partition))) {
      const [a, b] = [own, other].map(all => all.filter(one => one.partition === partition));
      const isOrdered = writers.tasksOf(topic, partition) <= 1;
      const isCompacted = compacts(found, topic);
      const lines = (all: Records, others: Records) => {
        if (isOrdered) return (isCompacted ? left(all, others) : all).map(one => `${one.offset}: ${textOf(one)}`);
        // which record of a key is the last one hangs on the order then
        return (isCompacted ? [...latest(all).keys()] : all.map(textOf)).sort();
      };
      compareLines(lines(a!, b!), lines(b!, a!), `${topic}-${partition}`);
    }
  }
}

type Records = readonly RawRecord[];

export const compacts = ({ topics }: LogContent, topic: string): boolean =>
  isCompacted(topics.find(({ name }) => name === topic)!);

/** The last record of each key. */
const latest = (records: Records) => new Map(records.map(one => [String(one.key && textOfKey(one.key)), one]));

/** What another run has too, or must have. */
function left(records: Records, others: Records): Records {
  const [offsets, last] = [new Set(others.map(({ offset }) => offset)), new Set(latest(records).values())];
  return records.filter(one => offsets.has(one.offset) || last.has(one));
}

function compareLines(found: readonly string[], expected: readonly string[], where: string): void {
  const at = expected.findIndex((line, index) => line !== found[index]);
  if (at < 0 && found.length === expected.length) return;
  const index = at < 0 ? expected.length : at;
  throw new Error(
    `${where} differs from the run that nothing disturbed. It has ${found.length} records instead of ${expected.length}; ` +
      `record ${index} is ${found[index] ?? 'missing'}, and should be ${expected[index] ?? 'missing'}.`,
  );
}

/** A record as text, without what is accidental. */
export const textOf = ({ key, value, timestamp, headers }: RawRecord): string => {
  const kept = headers
    .filter(([name]) => !ACCIDENTAL.has(name))
    .map(([name, bytes]) => `${name}: ${bytes && textOfKey(bytes)}`);
  return `${key && textOfKey(key)} = ${value && textOfKey(value)} @${timestamp} {${kept.join(', ')}}`;
};
