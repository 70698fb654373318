import { BatchReader } from '../records/batch-reader.ts';
import { BatchWriter } from '../records/batch-writer.ts';
import { FatalError } from '../errors.ts';
import type { Broker, TaskWriter } from './ports.ts';
import { DEFAULT_MAX_MESSAGE_BYTES } from './outputs.ts';

const FETCH_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 1000;

/** The last record of a manifest topic as text; undefined where there is none. */
export async function readManifest(
  broker: Pick<Broker, 'offsets' | 'reader'>,
  topic: string,
): Promise<string | undefined> {
  const [range] = await broker.offsets([{ topic, partition: 0 }]);
  const reader = broker.reader();
  const records = new BatchReader();
  let last: string | undefined;
  try {
    for (let offset = range!.start; offset < range!.end;) {
      const [fetched] = await reader.fetch([{ topic, partition: 0, offset, maxBytes: FETCH_BYTES }], WAIT_MS);
      for (const batch of fetched!.batches) {
        records.load(batch, fetched!);
        while (records.next()) last = records.valueBytes()?.toString();
      }
      offset = fetched!.nextOffset;
    }
  } finally {
    await reader.close();
  }
  return last;
}

/** @throws FatalError when another process keeps a manifest of this topology at the same moment */
export async function writeManifest(
  writer: TaskWriter,
  topic: string,
  topology: string,
  text: string,
  now: number,
): Promise<void> {
  const batch = new BatchWriter(DEFAULT_MAX_MESSAGE_BYTES);
  const place = { topology, topic };
  if (!batch.append(now, Buffer.from(topology), Buffer.from(text)))
    throw new FatalError('TOPO_COMMIT_FAILED', `the manifest of '${topology}' is too large for topic ${topic}.`, place);
  const outcome = await writer.commit({ appends: [{ topic, partition: 0, batches: batch.finish() }], offsets: [] });
  if (outcome.kind !== 'committed')
    throw new FatalError('TOPO_FENCED', `another process started '${topology}' at this moment. Start again.`, place);
}
