import { TopologyError } from '../errors.ts';
import { encodeHeaders } from '../records/headers.ts';
import type { Header } from '../records/headers.ts';
import { decodeJson } from '../serdes/json.ts';
import { jsonText } from '../serdes/json-text.ts';
import { base64Bytes, converterFor, isObject } from './json-input.ts';
import type { Converter } from './json-input.ts';
import type { KnownSerde, TopicSerdes } from './topic-serdes.ts';

/** A record to be written: bytes, and headers packed. */
export interface InputRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Uint8Array;
  readonly timestamp: number;
}

export interface InputOptions {
  readonly serdes: TopicSerdes | undefined;
  readonly nowMs: number;
  /** How far ahead of now a timestamp may lie. */
  readonly maxAheadMs: number;
}

/** What may stand in a line. Where a record lay before (`tail --json` tells) does not matter: its key says where it goes. */
const FIELDS: ReadonlySet<string> = new Set(['key', 'value', 'headers', 'timestamp', 'topic', 'partition', 'offset']);

/** Reads `{key, value, headers?, timestamp?}` lines for one topic. What it throws says what is wrong with the line, without its content. */
export class LineReader {
  readonly #options: InputOptions;
  readonly #key: Encoder;
  readonly #value: Encoder;

  constructor(options: InputOptions) {
    this.#options = options;
    this.#key = encoderFor('key', options.serdes?.key);
    this.#value = encoderFor('value', options.serdes?.value);
  }

  /** @throws TopologyError `TOPO_INPUT_INVALID` with the problem alone: the caller knows the line's number */
  read(line: Uint8Array): InputRecord {
    const json = jsonOf(line);
    if (!isObject(json)) throw invalid('it is no JSON object {"key": …, "value": …}');
    const unknown = Object.keys(json).find(name => !FIELDS.has(name));
    if (unknown !== undefined)
      throw invalid(`it has a property that a record does not have; those are ${[...FIELDS].join(', ')}`);
    if (!Object.hasOwn(json, 'value')) throw invalid('it has no value; a tombstone says "value": null');
    return {
      key: this.#key(json['key'] ?? null),
      value: this.#value(json['value']),
      headers: encodeHeaders(headersOf(json['headers'])),
      timestamp: this.#timestamp(json['timestamp']),
    };
  }

  /** A key as given on the command line. */
  key(text: string): Uint8Array | null {
    return this.#key(text);
  }

  #timestamp(json: unknown): number {
    const { nowMs, maxAheadMs } = this.#options;
    if (json === undefined || json === null) return nowMs;
    if (typeof json !== 'number' || !Number.isSafeInteger(json) || json < 0)
      throw invalid('its timestamp is no time in ms since 1970');
    if (json - nowMs > maxAheadMs)
      throw invalid(
        `its timestamp lies ${json - nowMs} ms ahead of now, and the topic takes ${maxAheadMs} (message.timestamp.after.max.ms)`,
      );
    return json;
  }
}

export const invalid = (problem: string): TopologyError => new TopologyError('TOPO_INPUT_INVALID', problem);

function jsonOf(line: Uint8Array): unknown {
  try {
    return decodeJson(line);
  } catch {
    throw invalid('it is no JSON');
  }
}

type Encoder = (json: unknown) => Uint8Array | null;

/** `{ "base64": … }` is always the bytes themselves. */
function encoderFor(what: 'key' | 'value', known: KnownSerde | undefined): Encoder {
  const serde = known?.serde;
  const convert: Converter = known && serde ? converterFor(known.description) : json => json;
  return json => {
    if (json === null) return null;
    const bytes = base64Bytes(json);
    if (bytes !== undefined) return bytes;
    if (serde === undefined) return Buffer.from(typeof json === 'string' ? json : jsonText(json));
    try {
      // a serde may reuse its buffer
      return Buffer.from(serde.encode(convert(json)));
    } catch (error) {
      throw invalid(`its ${what} does not encode: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

function headersOf(json: unknown): Header[] {
  if (json === undefined || json === null) return [];
  if (!isObject(json)) throw invalid('its headers are no object of name → value');
  return Object.entries(json).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one: unknown): Header => [name, headerValue(one)]),
  );
}

function headerValue(json: unknown): Uint8Array | null {
  if (json === null) return null;
  const bytes = typeof json === 'string' ? Buffer.from(json) : base64Bytes(json);
  if (bytes === undefined) throw invalid('a header is neither text, null nor {"base64": …}');
  return bytes;
}
