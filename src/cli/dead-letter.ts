import { DEAD_LETTER_HEADERS } from '../runtime/dead-letters.ts';
import { bytesJson, headersJson } from './record-json.ts';
import type { Json } from './record-json.ts';
import type { TopicRecord } from './topic-record.ts';

/** A dead letter as it lies in its topic: the record as it came, and what its headers say of the failure. */
export interface DeadLetter {
  readonly record: TopicRecord;
  /** `partition:offset` in the dead-letter topic. */
  readonly id: string;
  readonly step: string;
  readonly code: string;
  readonly message: string;
  readonly exception: string;
  readonly stacktrace: string;
  /** Null for what came from no topic by itself: a window, a timer, the result of a call. */
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: number } | null;
  readonly attempt: number;
  readonly manifest: string;
  /** The record's own. */
  readonly headers: TopicRecord['headers'];
}

const OURS: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

export function deadLetterOf(record: TopicRecord): DeadLetter {
  // ours stand behind the record's own, which may have been a dead letter before
  const at = new Map(
    record.headers.map(([name, value]) => [name, value === null ? '' : Buffer.from(value).toString()]),
  );
  const text = (name: string) => at.get(name) ?? '';
  const names = DEAD_LETTER_HEADERS;
  const topic = text(names.topic);
  return {
    record,
    id: `${record.partition}:${record.offset}`,
    step: text(names.step),
    code: text(names.code),
    message: text(names.message),
    exception: text(names.exception),
    stacktrace: text(names.stacktrace),
    source:
      topic === '' ? null : { topic, partition: Number(text(names.partition)), offset: Number(text(names.offset)) },
    attempt: Number(text(names.attempt)),
    manifest: text(names.manifest),
    headers: record.headers.filter(([name]) => !OURS.has(name)),
  };
}

export const sourceText = ({ source }: DeadLetter): string =>
  source === null ? '-' : `${source.topic}-${source.partition}@${source.offset}`;

/** What `dlq ls --json` prints. */
export function summaryJson({ record, step, code, message, exception, source, attempt, manifest }: DeadLetter) {
  const { topic, partition, offset, timestamp, key } = record;
  const keyJson = key === null ? null : bytesJson(key);
  return {
    topic,
    partition,
    offset,
    timestamp,
    step,
    code,
    message,
    exception,
    source,
    attempt,
    manifest,
    key: keyJson,
  };
}

/** What `dlq show --json` prints. */
export function wholeJson(letter: DeadLetter): Json {
  const { value } = letter.record;
  return {
    ...summaryJson(letter),
    value: value === null ? null : bytesJson(value),
    headers: headersJson(letter.headers),
    stacktrace: letter.stacktrace,
  };
}
