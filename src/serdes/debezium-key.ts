import { decodeJson } from './json.ts';
import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { slab } from './slab.ts';
import { asBuffer, readUtf8 } from './utf8.ts';

type Scalar = string | number | bigint | boolean | null;

/**
 * Keys byte for byte as Debezium's JsonConverter (Jackson) writes them without schemas: `{"id":"P-1"}`, several fields in the primary
 * key's order. Equal keys lie in one partition only if their bytes are equal.
 *
 * A key of one field is its bare value (`'P-1'`), one of several an object. Values are strings, integers, booleans or null. Keys that
 * carry their schema do not decode: their bytes depend on the connector's settings.
 */
export function debeziumKey<Key = string>(fields: readonly [string, ...string[]]): Serde<Key> {
  const description = { type: 'debezium-key', fields } as const;
  return (fields.length === 1 ? singleKey(fields[0]) : compositeKey(fields, description)) as Serde<Key>;
}

function singleKey(field: string): Serde<Scalar> {
  const names = [field];
  const start = Buffer.from(`{${jacksonText(field)}:"`);
  return {
    description: { type: 'debezium-key', fields: names },
    encode(value) {
      const plain = typeof value === 'string' ? plainKey(start, value) : undefined;
      return plain ?? Buffer.from(`{${jacksonText(field)}:${scalarText(field, value)}}`);
    },
    decode(bytes) {
      const text = plainText(bytes, start);
      return text ?? readFields(bytes, names)[field]!;
    },
  };
}

function compositeKey(
  fields: readonly string[],
  description: Serde<unknown>['description'],
): Serde<Record<string, Scalar>> {
  return {
    description,
    encode(value) {
      if (typeof value !== 'object' || value === null) throw unencodable(`expected a key of ${fields.length} fields`);
      return Buffer.from(`{${fields.map(name => `${jacksonText(name)}:${scalarText(name, value[name])}`).join(',')}}`);
    },
    decode: bytes => readFields(bytes, fields),
  };
}

/** Text of ASCII without anything that Jackson escapes; undefined for any other. */
function plainKey(start: Buffer, value: string): Buffer | undefined {
  let at = slab.open(start.length + value.length + 2);
  const { buffer } = slab;
  for (let index = 0; index < start.length; index++) buffer[at++] = start[index]!;
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code < 0x20 || code > 0x7f || code === QUOTE || code === BACKSLASH) return undefined;
    buffer[at++] = code;
  }
  buffer[at] = QUOTE;
  buffer[at + 1] = CLOSING_BRACE;
  return slab.close(at + 2);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSING_BRACE = 0x7d;

/** The text between `{"id":"` and `"}`, if that is what the bytes are and the text holds no escape. */
function plainText(bytes: Uint8Array, start: Buffer): string | undefined {
  const end = bytes.length - 2;
  if (end < start.length || bytes[end] !== QUOTE || bytes[end + 1] !== CLOSING_BRACE) return undefined;
  for (let index = 0; index < start.length; index++) if (bytes[index] !== start[index]) return undefined;
  for (let index = start.length; index < end; index++) {
    const byte = bytes[index]!;
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) return undefined;
  }
  return readUtf8(asBuffer(bytes), start.length, end);
}

function readFields(bytes: Uint8Array, fields: readonly string[]): Record<string, Scalar> {
  const key = decodeJson(bytes);
  const wanted = `expected a key {${fields.join(', ')}} of Debezium's JsonConverter`;
  if (typeof key !== 'object' || key === null || Array.isArray(key)) throw undecodable(`${wanted}, got ${kindOf(key)}`);
  const object = key as Record<string, unknown>;
  if (isEnvelope(object) && !fields.includes('payload')) {
    throw undecodable(`${wanted} without its schema: set key.converter.schemas.enable=false`);
  }
  const found: Record<string, Scalar> = {};
  for (const field of fields) {
    const value = Object.hasOwn(object, field) ? object[field] : undefined;
    if (value === undefined || !isScalar(value)) throw undecodable(`${wanted}: ${field} is ${kindOf(value)}`);
    Object.defineProperty(found, field, { value, enumerable: true, writable: true, configurable: true });
  }
  if (Object.keys(object).length !== fields.length) throw undecodable(`${wanted}, got one with other fields`);
  return found;
}

function isEnvelope(object: object): boolean {
  return 'schema' in object && 'payload' in object;
}

function isScalar(value: unknown): value is Scalar {
  return typeof value !== 'object' || value === null;
}

function scalarText(field: string, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return jacksonText(value);
    case 'number':
      // Java and JavaScript write other numbers differently.
      if (!Number.isSafeInteger(value)) throw unencodable(`${field}: a number in a key must be a safe integer`);
      return String(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (value === null) return 'null';
      throw unencodable(`${field}: expected a string, an integer, a boolean or null, got ${kindOf(value)}`);
  }
}

/**
 * A string as Jackson's UTF8JsonGenerator writes it: control characters as `\u001F` in capitals, characters outside the basic plane as
 * two escaped surrogates, all else as it is.
 */
function jacksonText(text: string): string {
  return JSON.stringify(text).replace(ESCAPED, found =>
    found.length === 1
      ? `\\u${hex(found.charCodeAt(0))}`
      : found.startsWith('\\u')
        ? `\\u${found.slice(2).toUpperCase()}`
        : found,
  );
}

/** An escape of JSON.stringify (two characters or six), or a surrogate. */
const ESCAPED = /\\u[0-9a-f]{4}|\\.|[\ud800-\udfff]/g;

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}
