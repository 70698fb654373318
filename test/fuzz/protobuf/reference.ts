import protobufjs from 'protobufjs';

/** Bytes that are not the message they should be. */
export class NoMessage extends Error {}

/** What a oneof of some message got besides its last member, which protobufjs keeps and Protobuf does not. */
export interface Noted {
  hasReplacedMember: boolean;
}

interface WireRecord {
  readonly number: number;
  readonly wire: number;
  readonly varint: bigint;
  readonly bytes: Buffer;
  readonly raw: Buffer;
}

const MAX_LEVELS = 100;
const NO_BYTES = Buffer.alloc(0);

/**
 * A decoder of what `protobuf()` documents, slow and plain, from the text of https://protobuf.dev/programming-guides/encoding: the
 * second opinion on which bytes are a message, and on its value. Objects are Maps, so that no name means anything; the raw
 * bytes of unknown fields stand under `?unknown`.
 *
 * Where that text lets a parser choose, `protobuf()` is strict, and so is this: a known field in another wire type, a number that
 * its field cannot hold, a group, text that is no UTF-8 and more than a hundred levels are refused.
 * @throws NoMessage
 */
export function referenceDecode(type: protobufjs.Type, bytes: Buffer, noted: Noted): Map<string, unknown> {
  return messageOf(type, wireRecords(bytes), 1, noted);
}

function wireRecords(bytes: Buffer): WireRecord[] {
  const found: WireRecord[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new NoMessage('ends early');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let group = 0; ; group++) {
      const byte = take(1)[0]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * group);
      if (group === 9 && byte > 1) throw new NoMessage('more than 64 bits');
      if (byte < 0x80) return value;
    }
  };
  // tags and lengths: five bytes, as in protobuf's C++ parser (ReadTag, ReadSize in parse_context.h) and protobufjs
  const small = (): number => {
    const start = at;
    const value = varint();
    if (value > 0xffff_ffffn || at - start > 5) throw new NoMessage('more than 32 bits');
    return Number(value);
  };
  while (at < bytes.length) {
    const start = at;
    const tag = small();
    const wire = tag % 8;
    let record: Pick<WireRecord, 'varint' | 'bytes'> = { varint: 0n, bytes: NO_BYTES };
    if (wire === 0) record = { ...record, varint: varint() };
    else if (wire === 1) record = { ...record, bytes: take(8) };
    else if (wire === 2) record = { ...record, bytes: take(small()) };
    else if (wire === 5) record = { ...record, bytes: take(4) };
    else throw new NoMessage('a group or an unknown wire type');
    if (tag < 8) throw new NoMessage('field number 0');
    found.push({ number: Math.floor(tag / 8), wire, ...record, raw: bytes.subarray(start, at) });
  }
  return found;
}

function messageOf(
  type: protobufjs.Type,
  records: readonly WireRecord[],
  level: number,
  noted: Noted,
): Map<string, unknown> {
  if (level > MAX_LEVELS) throw new NoMessage('too deep');
  const value = new Map<string, unknown>();
  const unknown = records.filter(({ number }) => type.fieldsById[number] === undefined);
  if (unknown.length > 0) value.set('?unknown', Buffer.concat(unknown.map(({ raw }) => raw)).toString('hex'));
  for (const field of type.fieldsArray) {
    const own = records.filter(({ number }) => number === field.id);
    const oneof = oneofOf(field.resolve());
    if (field instanceof protobufjs.MapField) value.set(field.name, mapOf(field, own, level, noted));
    else if (field.repeated)
      value.set(
        field.name,
        own.flatMap(record => elements(field, record, level, noted)),
      );
    else if (oneof === undefined) {
      const single = singleOf(field, own, level, noted);
      if (single !== undefined) value.set(field.name, single);
      else if (!hasPresence(field)) value.set(field.name, defaultOf(field));
    }
  }
  for (const oneof of type.oneofsArray.filter(one => !isOptional(one))) setOneof(value, oneof, records, level, noted);
  return value;
}

/** The last member wins; what came before it must be readable, and is a part of it where it is the same message. */
function setOneof(
  value: Map<string, unknown>,
  oneof: protobufjs.OneOf,
  records: readonly WireRecord[],
  level: number,
  noted: Noted,
): void {
  const members = records.flatMap(record => {
    const field = oneof.fieldsArray.find(({ id }) => id === record.number);
    return field === undefined ? [] : [{ field, record }];
  });
  let run: WireRecord[] = [];
  members.forEach(({ field, record }, index) => {
    if (members[index - 1]?.field !== field) run = [];
    run.push(record);
    if (index > 0 && run.length === 1) noted.hasReplacedMember = true;
    if (members[index + 1]?.field === field) return;
    const member = singleOf(field, run, level, noted);
    value.set(oneof.name, new Map<string, unknown>([['case', field.name], ['value', member]])); // prettier-ignore
  });
}

/** Undefined where there is none. */
function singleOf(field: protobufjs.Field, own: readonly WireRecord[], level: number, noted: Noted): unknown {
  if (own.length === 0) return undefined;
  for (const { wire } of own) if (wire !== wireOf(field)) throw new NoMessage('another wire type');
  if (!(field.resolvedType instanceof protobufjs.Type)) return own.map(record => scalarOf(field, record)).at(-1);
  // "merges multiple instances of the same field": each is a message by itself
  const pieces = own.flatMap(({ bytes }) => wireRecords(bytes));
  return messageOf(field.resolvedType, pieces, level + 1, noted);
}

function elements(field: protobufjs.Field, record: WireRecord, level: number, noted: Noted): unknown[] {
  if (record.wire === wireOf(field)) return [singleOf(field, [record], level, noted)];
  if (record.wire !== 2 || wireOf(field) === 2) throw new NoMessage('another wire type');
  const packed: unknown[] = [];
  const size = wireOf(field) === 1 ? 8 : 4;
  if (wireOf(field) !== 0) {
    if (record.bytes.length % size !== 0) throw new NoMessage('ends early');
    for (let at = 0; at < record.bytes.length; at += size)
      packed.push(scalarOf(field, { ...record, bytes: record.bytes.subarray(at, at + size) }));
    return packed;
  }
  // as varints behind tags of field 1
  let groups: number[] = [8];
  for (const byte of record.bytes) {
    groups.push(byte);
    if (byte > 0x7f) continue;
    packed.push(scalarOf(field, wireRecords(Buffer.from(groups))[0]!));
    groups = [8];
  }
  if (groups.length > 1) throw new NoMessage('ends early');
  return packed;
}

function mapOf(
  field: protobufjs.MapField,
  own: readonly WireRecord[],
  level: number,
  noted: Noted,
): Map<string, unknown> {
  const map = new Map<string, unknown>();
  const key = new protobufjs.Field('key', 1, field.keyType).resolve();
  const value = new protobufjs.Field('value', 2, field.type);
  value.resolvedType = field.resolvedType;
  for (const { wire, bytes } of own) {
    if (wire !== 2) throw new NoMessage('another wire type');
    if (level + 1 > MAX_LEVELS) throw new NoMessage('too deep');
    const entry = wireRecords(bytes);
    const part = (one: protobufjs.Field) =>
      singleOf(one, entry.filter(({ number }) => number === one.id), level + 1, noted); // prettier-ignore
    const name = String(part(key) ?? defaultOf(key));
    map.set(name, part(value) ?? emptyOf(value, level + 1, noted));
  }
  return map;
}

/** Of a map's entry without a value. */
function emptyOf(field: protobufjs.Field, level: number, noted: Noted): unknown {
  if (!(field.resolvedType instanceof protobufjs.Type)) return defaultOf(field);
  return messageOf(field.resolvedType, [], level + 1, noted);
}

const isOptional = (oneof: protobufjs.OneOf): boolean => oneof.fieldsArray.some(isProto3Optional);
const isProto3Optional = (field: protobufjs.Field): boolean => field.options?.['proto3_optional'] === true;
const oneofOf = (field: protobufjs.Field): protobufjs.OneOf | undefined =>
  field.partOf && !isOptional(field.partOf) ? field.partOf : undefined;
const hasPresence = (field: protobufjs.Field): boolean =>
  isProto3Optional(field) || field.resolvedType instanceof protobufjs.Type;
const isJsNumber = (field: protobufjs.Field): boolean => field.options?.['jstype'] === 'JS_NUMBER';

export function wireOf(field: protobufjs.Field): number {
  if (field.resolvedType instanceof protobufjs.Type || field.type === 'string' || field.type === 'bytes') return 2;
  if (['double', 'fixed64', 'sfixed64'].includes(field.type)) return 1;
  return ['float', 'fixed32', 'sfixed32'].includes(field.type) ? 5 : 0;
}

function defaultOf(field: protobufjs.Field): unknown {
  if (field.resolvedType instanceof protobufjs.Enum) return enumName(field.resolvedType, 0);
  if (field.type === 'string') return '';
  if (field.type === 'bytes') return NO_BYTES;
  if (field.type === 'bool') return false;
  return field.type.endsWith('64') && !isJsNumber(field) ? 0n : 0;
}

function scalarOf(field: protobufjs.Field, { varint, bytes }: WireRecord): unknown {
  if (field.resolvedType instanceof protobufjs.Enum) return enumName(field.resolvedType, signed32(varint));
  switch (field.type) {
    case 'double':
      return bytes.readDoubleLE();
    case 'float':
      return bytes.readFloatLE();
    case 'fixed32':
      return bytes.readUInt32LE();
    case 'sfixed32':
      return bytes.readInt32LE();
    case 'fixed64':
      return integer(field, bytes.readBigUInt64LE());
    case 'sfixed64':
      return integer(field, bytes.readBigInt64LE());
    case 'int64':
      return integer(field, BigInt.asIntN(64, varint));
    case 'uint64':
      return integer(field, varint);
    case 'sint64':
      return integer(field, unzigzag(varint));
    case 'int32':
      return signed32(varint);
    case 'uint32':
      return unsigned32(varint);
    case 'sint32':
      return Number(unzigzag(BigInt(unsigned32(varint))));
    case 'bool':
      return varint !== 0n;
    case 'string':
      return textOf(bytes);
    default:
      return bytes;
  }
}

const unzigzag = (bits: bigint): bigint => (bits >> 1n) ^ -(bits & 1n);

function signed32(varint: bigint): number {
  const value = BigInt.asIntN(64, varint);
  if (BigInt.asIntN(32, value) !== value) throw new NoMessage('more than 32 bits');
  return Number(value);
}

function unsigned32(varint: bigint): number {
  if (varint > 0xffff_ffffn) throw new NoMessage('more than 32 bits');
  return Number(varint);
}

function integer(field: protobufjs.Field, value: bigint): number | bigint {
  if (!isJsNumber(field)) return value;
  if (!Number.isSafeInteger(Number(value))) throw new NoMessage('no safe integer');
  return Number(value);
}

/** Strict: what decodes is what encodes to these bytes again. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString();
  if (!Buffer.from(text).equals(bytes)) throw new NoMessage('no UTF-8');
  return text;
}

/** Without the enum's prefix; the number where there is no name. */
function enumName(type: protobufjs.Enum, number: number): string | number {
  const prefix = `${type.name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}_`;
  return type.valuesById[number]?.replace(prefix, '') ?? number;
}
