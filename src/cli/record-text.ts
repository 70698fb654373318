import { bytesJson, headersJson, valueJson } from './record-json.ts';
import type { Json } from './record-json.ts';
import type { Style } from './style.ts';
import type { KnownSerde, TopicSerdes } from './topic-serdes.ts';
import type { TopicRecord } from './topic-record.ts';

/** What bytes say: decoded by their serde; as they are where there is none, where they do not decode, or cannot be shown. */
export function decoded(
  bytes: Uint8Array | null,
  known: KnownSerde | undefined,
): { readonly json: Json; readonly failed: boolean } {
  if (bytes === null) return { json: null, failed: false };
  if (known?.serde === undefined || known.description.type === 'bytes')
    return { json: bytesJson(bytes), failed: false };
  try {
    return { json: valueJson(known.serde.decode(bytes)), failed: false };
  } catch {
    return { json: bytesJson(bytes), failed: true };
  }
}

/** A record as one line of JSON, as `topo produce` reads it. */
export function recordJsonLine(record: TopicRecord, serdes: TopicSerdes | undefined): string {
  const { topic, partition, offset, timestamp, headers } = record;
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    key: decoded(record.key, serdes?.key).json,
    value: decoded(record.value, serdes?.value).json,
    headers: headersJson(headers),
  });
}

/** A record as a line for people: `2021-03-04 05:06:07.089  2:1042  C-17  {…}`. */
export function recordLine(record: TopicRecord, serdes: TopicSerdes | undefined, style: Style): string {
  const key = decoded(record.key, serdes?.key);
  const value = decoded(record.value, serdes?.value);
  const headers = record.headers.length === 0 ? '' : style.dim(`  ${JSON.stringify(headersJson(record.headers))}`);
  const broken = key.failed || value.failed ? style.red('  does not decode') : '';
  const place = style.dim(`${timeText(record.timestamp)}  ${record.partition}:${record.offset}`);
  return `${place}  ${style.cyan(plain(key.json))}  ${plain(value.json)}${headers}${broken}`;
}

/** Text without quotes where it fits a line as it is; control characters never reach a terminal. */
export const plain = (json: Json): string =>
  typeof json === 'string' && !/[\0-\x1f\x7f-\x9f]/.test(json) ? json : safeJson(json);

/** JSON escapes the control characters below a space only. */
const safeJson = (json: Json): string =>
  JSON.stringify(json).replace(
    /[\x7f-\x9f]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** UTC. A timestamp that is no time stays a number. */
export function timeText(timestamp: number): string {
  return Math.abs(timestamp) > 8.64e15
    ? String(timestamp)
    : new Date(timestamp).toISOString().replace('T', ' ').replace('Z', '');
}

export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
