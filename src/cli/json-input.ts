import { readDescriptorSet } from '../serdes/protobuf/descriptor.ts';
import { schemaOf } from '../serdes/protobuf/schema.ts';
import type { FieldSchema, MessageSchema } from '../serdes/protobuf/schema.ts';
import type { SerdeDescription } from '../serdes/serde.ts';

type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The bytes of `{ "base64": … }`; undefined for anything else. */
export function base64Bytes(json: unknown): Buffer | undefined {
  if (!isObject(json) || Object.keys(json).length !== 1) return undefined;
  const { base64 } = json;
  return typeof base64 === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(base64)
    ? Buffer.from(base64, 'base64')
    : undefined;
}

/** Turns JSON as `topo tail --json` prints it back into what a serde encodes. */
export type Converter = (json: unknown) => unknown;

/** What JSON cannot say, by the serde's description: bigints are decimal strings there, bytes base64. */
export function converterFor(description: SerdeDescription): Converter {
  switch (description.type) {
    case 'bytes':
      return json => (typeof json === 'string' ? Buffer.from(json) : json);
    case 'protobuf': {
      const schema = schemaOf(readDescriptorSet(Buffer.from(description.descriptor, 'base64')));
      const message = schema.messages.get(description.message);
      return json => (message === undefined ? json : messageOf(message, json));
    }
    case 'debezium':
      return json =>
        isObject(json)
          ? { ...integers(json), source: isObject(json['source']) ? integers(json['source']) : null }
          : json;
    case 'debezium-key':
    case 'json':
    case 'string':
    default:
      return json => json;
  }
}

/** The fields of Debezium's envelope that hold integers of 64 bits. Rows are left alone: a column's text may be digits. */
const LONG_FIELDS: ReadonlySet<string> = new Set(['ts_ms', 'ts_us', 'ts_ns', 'txId', 'lsn', 'xmin']);

function integers(json: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, LONG_FIELDS.has(name) ? integer(value) : value]),
  );
}

function integer(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : value;
}

/** Values that do not fit are left as they are: the serde refuses them and names the field. */
function messageOf(schema: MessageSchema, json: unknown): unknown {
  if (!isObject(json)) return json;
  const message: JsonObject = { ...json };
  for (const field of schema.fields) {
    if (field.presence === 'oneof' || !Object.hasOwn(message, field.property)) continue;
    message[field.property] = fieldOf(field, message[field.property]);
  }
  for (const { property, fields } of schema.oneofs) {
    const chosen = message[property];
    const field = isObject(chosen) ? fields.find(one => one.property === chosen['case']) : undefined;
    if (field && isObject(chosen)) message[property] = { ...chosen, value: valueOf(field, chosen['value']) };
  }
  return message;
}

function fieldOf(field: FieldSchema, json: unknown): unknown {
  if (field.presence === 'repeated') return Array.isArray(json) ? json.map(item => valueOf(field, item)) : json;
  if (field.presence !== 'map') return valueOf(field, json);
  const value = field.message?.fields.find(one => one.number === 2);
  if (value === undefined || !isObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, valueOf(value, item)]));
}

const LONG: ReadonlySet<string> = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

function valueOf(field: FieldSchema, json: unknown): unknown {
  if (field.message !== undefined) return messageOf(field.message, json);
  if (field.type === 'bytes') return base64Bytes(json) ?? json;
  if (field.type === 'double' || field.type === 'float') return typeof json === 'string' ? Number(json) : json;
  if (!LONG.has(field.type)) return json;
  if (field.isJsNumber) return typeof json === 'string' ? Number(json) : json;
  return typeof json === 'number' && Number.isSafeInteger(json) ? BigInt(json) : integer(json);
}
