import { FatalError } from '../errors.ts';
import { keptName } from '../graph/names.ts';
import { recordCountOf } from '../records/batch.ts';
import { BatchWriter } from '../records/batch-writer.ts';
import type { StorePlan } from './plan.ts';
import type { Broker, Log, TaskState, TaskWriter } from './ports.ts';
import { reflects } from './restore.ts';
import { payloadOf, timestampOf } from './stamped.ts';
import { storeEnd, storePrefix } from './store.ts';

export interface RenewRequest {
  readonly task: string;
  readonly partition: number;
  readonly state: TaskState;
  readonly broker: Pick<Broker, 'offsets' | 'deleteRecords'>;
  readonly writer: TaskWriter;
  /** Of the changelog. */
  readonly maxMessageBytes: number;
  readonly log: Log;
}

const BATCH_BYTES = 64 * 1024;
const COMMIT_BYTES = 4 * 1024 * 1024;

/**
 * Writes all that a store holds behind what is left of a changelog that has lost records, and deletes what is left: a state that
 * is rebuilt later has then what this one has. A crash in between leaves the changelog as one that has lost records.
 * @throws FatalError
 */
export async function renewChangelog(plan: StorePlan, request: RenewRequest): Promise<void> {
  const { store, changelog: topic } = plan;
  const { task, partition, state, broker, writer, maxMessageBytes, log } = request;
  const name = keptName(store);
  const place = { topic, partition };
  const prefix = storePrefix(name);
  const batches = new BatchWriter(maxMessageBytes, BATCH_BYTES);
  let [start, end] = [-1, -1];
  let entries = 0;
  const flush = async () => {
    const append = { topic, partition, batches: batches.finish() };
    const last = recordCountOf(append.batches.at(-1)!);
    const outcome = await writer.commit({ appends: [append], offsets: [] });
    if (outcome.kind !== 'committed')
      throw failed(`the changelog of store '${store.name}' was not written anew`, place);
    const [offsets] = outcome.baseOffsets;
    if (start < 0) start = offsets![0]!;
    end = offsets!.at(-1)! + last;
  };
  for await (const [key, stored] of state.entries(prefix, storeEnd(name))) {
    if (!batches.appendText(timestampOf(stored), key.slice(prefix.length), payloadOf(stored)))
      throw failed(`an entry of store '${store.name}' exceeds the max.message.bytes of its changelog`, place);
    entries++;
    if (batches.length >= COMMIT_BYTES) await flush();
  }
  if (batches.total > 0) await flush();
  if (start < 0) start = end = (await broker.offsets([place]))[0]!.end;
  await broker.deleteRecords([{ ...place, offset: start }]);
  await state.write([reflects(plan, end)]);
  log.warn(
    { code: 'TOPO_LOG_DAMAGED', task, ...place, entries },
    `the changelog of store '${store.name}' has lost records: it was written anew from what the store holds`,
  );
}

const failed = (what: string, place: { readonly topic: string; readonly partition: number }): FatalError =>
  new FatalError('TOPO_COMMIT_FAILED', `${what}. Start again.`, place);
