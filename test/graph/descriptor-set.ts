import protobuf from 'protobufjs/minimal.js';

/** A field as a test writes it; `type` is a name of protobuf's or, with a capital, a message of the same file. */
export interface FieldSpec {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly repeated?: boolean;
  readonly oneof?: boolean;
}

const TYPES = [
  '',
  'double',
  'float',
  'int64',
  'uint64',
  'int32',
  'fixed64',
  'fixed32',
  'bool',
  'string',
  'group',
  'message',
].concat(['bytes', 'uint32', 'enum', 'sfixed32', 'sfixed64', 'sint32', 'sint64']);

/** A FileDescriptorSet of one file, in base64: what a protobuf serde's description holds. */
export function descriptorSet(packageName: string, messages: Readonly<Record<string, readonly FieldSpec[]>>): string {
  const file = protobuf.Writer.create().uint32(tag(1)).string('test.proto').uint32(tag(2)).string(packageName);
  for (const [name, fields] of Object.entries(messages)) {
    const message = protobuf.Writer.create().uint32(tag(1)).string(name);
    for (const field of fields) message.uint32(tag(2)).bytes(fieldDescriptor(packageName, field));
    if (fields.some(({ oneof }) => oneof)) {
      message.uint32(tag(8)).bytes(protobuf.Writer.create().uint32(tag(1)).string('choice').finish());
    }
    file.uint32(tag(4)).bytes(message.finish());
  }
  const set = protobuf.Writer.create()
    .uint32(tag(1))
    .bytes(file.uint32(tag(12)).string('proto3').finish())
    .finish();
  return Buffer.from(set).toString('base64');
}

function fieldDescriptor(packageName: string, { name, number, type, repeated, oneof }: FieldSpec): Uint8Array {
  const isMessage = /^[A-Z]/.test(type);
  const writer = protobuf.Writer.create().uint32(tag(1)).string(name);
  writer
    .uint32(number_(3))
    .int32(number)
    .uint32(number_(4))
    .int32(repeated ? 3 : 1);
  writer.uint32(number_(5)).int32(isMessage ? TYPES.indexOf('message') : TYPES.indexOf(type));
  if (isMessage) writer.uint32(tag(6)).string(`.${packageName}.${type}`);
  if (oneof) writer.uint32(number_(9)).int32(0);
  return writer.finish();
}

/** Of a field with a length, of a varint. */
const tag = (field: number): number => field * 8 + 2;
const number_ = (field: number): number => field * 8;
