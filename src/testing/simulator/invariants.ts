import { keptName } from '../../graph/names.ts';
import type { Topology } from '../../graph/topology.ts';
import { encodeHeaders } from '../../records/headers.ts';
import { plan } from '../../runtime/plan.ts';
import type { SubTopology } from '../../runtime/plan.ts';
import { payloadOf, timestampOf } from '../../runtime/stamped.ts';
import { storeEnd, storePrefix } from '../../runtime/store.ts';
import { textOfKey } from '../../runtime/store-key.ts';
import { taskId } from '../../runtime/task.ts';
import { encodeInput, sourceSlot } from '../feed.ts';
import type { InputRecord } from '../feed.ts';
import { compacts } from './comparison.ts';
import type { LogContent, RawRecord } from './outcome.ts';
import { entriesIn } from './simulated-state.ts';
import type { StateImage } from './simulated-state.ts';

/** What holds of every topology when all is done, whatever it computes. @throws Error for what does not */
export function checkInvariants(
  topology: Topology,
  input: readonly InputRecord[],
  log: LogContent,
  state: StateImage,
): void {
  checkInput(topology, input, log);
  const left = leftIn(topology, log);
  if (left !== undefined) throw new Error(left);
  for (const sub of subTopologiesOf(topology, log))
    for (let partition = 0; partition < sub.partitions; partition++) {
      const entries = entriesIn(state, taskId(sub, partition));
      for (const { store, changelog } of sub.stores) checkStore(entries, keptName(store), changelog, partition, log);
    }
}

/** Every record that was fed lies in its topic once, in its place; where the topic is compacted, unless a later one has its key. */
function checkInput(topology: Topology, input: readonly InputRecord[], log: LogContent): void {
  const queues = new Map<string, RawRecord[][]>();
  for (const { name, partitions } of log.topics) {
    const records = log.records.get(name)!;
    queues.set(
      name,
      Array.from({ length: partitions }, (_, at) => records.filter(one => one.partition === at)),
    );
  }
  const fed = input.map(({ topic, timestamp, headers = [], ...record }) => {
    const { key, value } = encodeInput(sourceSlot(topology, topic), { topic, ...record });
    const keyText = key && textOfKey(key);
    return { topic, keyText, wanted: textOf({ key, value, timestamp: timestamp!, headers }) };
  });
  fed.forEach(({ topic, keyText, wanted }, at) => {
    const queue = queues.get(topic)!.find(([head]) => head !== undefined && textOf(head) === wanted);
    if (queue !== undefined) return queue.shift();
    const isSuperseded =
      compacts(log, topic) && fed.slice(at + 1).some(later => later.topic === topic && later.keyText === keyText);
    if (!isSuperseded) throw new Error(`a record fed to ${topic} is not where it belongs: ${wanted}`);
  });
  for (const topic of new Set(input.map(record => record.topic)))
    if (queues.get(topic)!.some(queue => queue.length > 0)) throw new Error(`${topic} holds more than was fed`);
}

const textOf = ({
  key,
  value,
  timestamp,
  headers,
}: Pick<RawRecord, 'key' | 'value' | 'timestamp' | 'headers'>): string =>
  `@${timestamp} ${key && textOfKey(key)} = ${value && textOfKey(value)} ${textOfKey(encodeHeaders(headers))}`;

/** Where records are left to be processed; undefined: nowhere. */
export function leftIn(topology: Topology, log: LogContent): string | undefined {
  for (const { inputs } of subTopologiesOf(topology, log))
    for (const { topic, partitions } of inputs)
      for (let partition = 0; partition < partitions; partition++) {
        const committed = log.offsets.find(one => one.topic === topic && one.partition === partition)?.offset ?? 0;
        const left = log.records.get(topic)!.filter(one => one.partition === partition && one.offset >= committed);
        if (left.length > 0)
          return `${topic}-${partition} was read up to ${committed}, and has ${left.length} records behind that`;
      }
  return undefined;
}

function subTopologiesOf(topology: Topology, { topics }: LogContent): readonly SubTopology[] {
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions]));
  return plan(topology, topic => counts.get(topic)!).subTopologies;
}

/** A store is what its changelog leads to. */
function checkStore(
  entries: ReadonlyMap<string, Uint8Array>,
  store: string,
  changelog: string,
  partition: number,
  log: LogContent,
): void {
  const expected = new Map<string, string>();
  for (const { key, value, timestamp, partition: own } of log.records.get(changelog)!)
    if (own === partition)
      if (value === null) expected.delete(textOfKey(key!));
      else expected.set(textOfKey(key!), `${textOfKey(value)} @${timestamp}`);
  const prefix = storePrefix(store);
  for (const [stateKey, stored] of entries) {
    if (stateKey < prefix || stateKey >= storeEnd(store)) continue;
    const key = stateKey.slice(prefix.length);
    const found = `${textOfKey(payloadOf(stored))} @${timestampOf(stored)}`;
    if (expected.get(key) !== found)
      throw new Error(`${store}-${partition} has ${found} under '${key}', its changelog ${expected.get(key)}`);
    expected.delete(key);
  }
  for (const [key, value] of expected)
    throw new Error(`${store}-${partition} has nothing under '${key}', its changelog ${value}`);
}
