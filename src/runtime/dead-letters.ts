import { FatalError } from '../errors.ts';
import type { RecordError } from '../errors.ts';
import { NO_HEADERS, decodeHeaders, encodeHeaders } from '../records/headers.ts';
import type { Header } from '../records/headers.ts';
import type { TopicOutput } from './outputs.ts';
import type { DueSubject } from './schedule.ts';
import type { Unit } from './unit.ts';

/** Kafka Streams' names (KIP-1034), so that tools which know them work, then ours. All values are text. */
export const DEAD_LETTER_HEADERS = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  stacktrace: '__streams.errors.stacktrace',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  step: 'topo.step',
  code: 'topo.code',
  attempt: 'topo.attempt',
  manifest: 'topo.manifest',
} as const;

interface Circumstances {
  readonly manifestHash: string;
  /** How often it was tried. */
  readonly attempt: number;
  /** What is kept where something fell due and failed: there is no topic and offset to name then. */
  readonly subject?: DueSubject | undefined;
}

/**
 * Keeps a record that could not be processed: its own key, value, headers and timestamp as they came, in its own partition,
 * with headers that say what happened, where, and under which version of the topology.
 * @throws FatalError when it does not fit the dead-letter topic: somebody gave that a size limit
 */
export function deadLetter(
  output: TopicOutput,
  unit: Unit,
  error: RecordError,
  { manifestHash, attempt, subject }: Circumstances,
): void {
  const cause = error.cause instanceof Error ? error.cause : error;
  const names = DEAD_LETTER_HEADERS;
  const source: [name: string, value: string][] = [
    [names.topic, unit.topic],
    [names.partition, String(unit.partition)],
    [names.offset, String(unit.offset)],
  ];
  const headers: [name: string, value: string][] = [
    [names.exception, cause.name],
    [names.message, error.message],
    [names.stacktrace, cause.stack ?? ''],
    ...(subject === undefined ? source : []),
    [names.step, error.place.step ?? ''],
    [names.code, error.code],
    [names.attempt, String(attempt)],
    [names.manifest, manifestHash],
  ];
  const { key, value, timestamp, headers: own = NO_HEADERS } = subject ?? subjectOf(unit);
  const packed = encodeHeaders([
    ...decodeHeaders(own),
    ...headers.map(([name, text]): Header => [name, Buffer.from(text)]),
  ]);
  if (output.writer(unit.partition % output.partitions).append(timestamp, key, value, packed)) return;
  throw new FatalError(
    'TOPO_COMMIT_FAILED',
    `a record that cannot be processed is too large for ${output.topic}: raise that topic's max.message.bytes.`,
    error.place,
    { cause: error },
  );
}

/** The record under way, as it came. */
function subjectOf({ reader }: Unit): DueSubject {
  return {
    key: reader!.keyBytes(),
    value: reader!.valueBytes(),
    timestamp: reader!.timestamp,
    headers: reader!.headerBytes(),
  };
}
