import { FatalError, TopologyError } from '../../errors.ts';
import { maxTimestampOf } from '../../records/batch.ts';
import type { Append, Commit, TopicInfo, TopicPartition } from '../../runtime/ports.ts';
import type { LogState } from './log-state.ts';
import { unsealedFault } from './pack.ts';

/** Kafka's default of `max.message.bytes`. */
const MAX_MESSAGE_BYTES = 1_048_588;
/** Kafka's `offset.metadata.max.bytes`, by default. */
const MAX_METADATA_BYTES = 4096;
/** Kafka's default of `message.timestamp.after.max.ms` (KIP-937): an hour. */
const TIMESTAMP_AFTER_MAX_MS = 3_600_000;

/** @throws FatalError `TOPO_COMMIT_FAILED` for what a Kafka broker would refuse, `TOPO_INTERNAL` for what breaks the port's contract. */
export function checkCommit(commit: Commit, state: LogState): void {
  checkPartitions(commit, state);
  const seen = new Set<string>();
  for (const append of commit.appends) {
    const id = `${append.topic}/${append.partition}`;
    if (seen.has(id))
      throw new FatalError('TOPO_INTERNAL', 'A partition appears twice in one commit.', placeOf(append));
    seen.add(id);
    const maxBytes = Number(state.topics.get(append.topic)!.config['max.message.bytes'] ?? MAX_MESSAGE_BYTES);
    for (const batch of append.batches) checkBatch(batch, append, maxBytes);
  }
  for (const offset of commit.offsets) {
    const bytes = Buffer.byteLength(offset.metadata);
    if (bytes > MAX_METADATA_BYTES)
      throw refused(offset, `the metadata of its offset has ${bytes} bytes, ${MAX_METADATA_BYTES} are allowed`);
    if (!Number.isSafeInteger(offset.offset) || offset.offset < 0)
      throw new FatalError('TOPO_INTERNAL', `${offset.offset} is no offset.`, placeOf(offset));
  }
}

function checkBatch(batch: Buffer, append: Append, maxBytes: number): void {
  const fault = unsealedFault(batch);
  if (fault !== undefined) throw new FatalError('TOPO_INTERNAL', `A batch that is none: ${fault}.`, placeOf(append));
  if (batch.length > maxBytes)
    throw refused(append, `a batch of ${batch.length} bytes exceeds its max.message.bytes, ${maxBytes}`);
}

/** @throws FatalError `TOPO_COMMIT_FAILED` */
export function checkPartitions({ appends, offsets }: Commit, state: LogState): void {
  for (const append of appends) checkPartition(append, state);
  for (const offset of offsets) checkPartition(offset, state);
}

function checkPartition(at: TopicPartition, state: LogState): void {
  if (state.partition(at.topic, at.partition) === undefined) throw refused(at, 'there is no such partition');
}

const refused = (at: TopicPartition, why: string): FatalError =>
  new FatalError(
    'TOPO_COMMIT_FAILED',
    `The commit was refused. Topic ${at.topic}, partition ${at.partition}: ${why}.`,
    placeOf(at),
  );

const placeOf = ({ topic, partition }: TopicPartition) => ({ topic, partition });

/**
 * Refuses records that lie further in the future than their topic's `message.timestamp.after.max.ms` allows (KIP-937; an hour
 * by default): one of them would push stream time ahead and make late whatever comes after it.
 *
 * For what comes from outside (`topo produce`). A task's commit is not checked: refused once it would be refused for ever, and
 * one bad record would stop its topology; there, the extracted timestamp is checked record by record.
 *
 * @throws TopologyError `TOPO_INPUT_INVALID`
 */
export function refuseFuture(topic: TopicInfo, batches: readonly Buffer[], nowMs: number): void {
  const limitMs = Number(topic.config['message.timestamp.after.max.ms'] ?? TIMESTAMP_AFTER_MAX_MS);
  for (const batch of batches) {
    const aheadMs = maxTimestampOf(batch) - nowMs;
    if (aheadMs > limitMs)
      throw new TopologyError(
        'TOPO_INPUT_INVALID',
        `A record's timestamp lies ${aheadMs} ms in the future; ${topic.name} allows ${limitMs} (message.timestamp.after.max.ms).`,
        { topic: topic.name },
      );
  }
}
