import { readFields, text } from './wire.ts';
import type { WireField } from './wire.ts';

/**
 * Protobuf's own description of messages, `google/protobuf/descriptor.proto`, as far as it is needed here.
 * Numbers behind `case` are that file's field numbers.
 */
export interface FileDescriptor {
  readonly name: string;
  readonly package: string;
  readonly dependencies: readonly string[];
  readonly messages: readonly MessageDescriptor[];
  readonly enums: readonly EnumDescriptor[];
  /** `proto3`; empty for proto2; `editions`. */
  readonly syntax: string;
  /** Comments by the path of what they belong to, `4,0,2,1`. */
  readonly comments: ReadonlyMap<string, string>;
  /** The file descriptor without comments and positions. */
  readonly bytes: Uint8Array;
}

export interface MessageDescriptor {
  readonly name: string;
  readonly fields: readonly FieldDescriptor[];
  readonly messages: readonly MessageDescriptor[];
  readonly enums: readonly EnumDescriptor[];
  readonly oneofs: readonly string[];
  readonly isMapEntry: boolean;
}

export interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly isRepeated: boolean;
  /** A number of `FieldDescriptorProto.Type`. */
  readonly type: number;
  /** `.package.Name` of a message or enum. */
  readonly typeName: string;
  /** Into the message's oneofs; -1 for none. */
  readonly oneof: number;
  readonly isProto3Optional: boolean;
  /** `[packed = false]` */
  readonly isUnpacked: boolean;
  /** `[jstype = JS_NUMBER]` */
  readonly isJsNumber: boolean;
}

export interface EnumDescriptor {
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly number: number }[];
}

/** The files of a FileDescriptorSet. @throws RangeError, TypeError on bytes that are none */
export function readDescriptorSet(bytes: Uint8Array): FileDescriptor[] {
  return readFields(bytes).flatMap(field => (field.number === 1 ? [readFile(field.bytes)] : []));
}

const SOURCE_CODE_INFO = 9;

export function readFile(bytes: Uint8Array): FileDescriptor {
  const all = readFields(bytes);
  const kept = all.filter(field => field.number !== SOURCE_CODE_INFO);
  const info = all.find(field => field.number === SOURCE_CODE_INFO);
  return {
    name: textAt(all, 1),
    package: textAt(all, 2),
    dependencies: at(all, 3).map(text),
    messages: at(all, 4).map(readMessage),
    enums: at(all, 5).map(readEnum),
    syntax: textAt(all, 12),
    comments: info === undefined ? new Map() : readComments(info.bytes),
    bytes: Buffer.concat(kept.map(field => field.raw)),
  };
}

function readMessage(field: WireField): MessageDescriptor {
  const all = readFields(field.bytes);
  return {
    name: textAt(all, 1),
    fields: at(all, 2).map(readField),
    messages: at(all, 3).map(readMessage),
    enums: at(all, 4).map(readEnum),
    oneofs: at(all, 8).map(oneof => textAt(readFields(oneof.bytes), 1)),
    isMapEntry: integerAt(optionsOf(all, 7), 7) === 1,
  };
}

const REPEATED = 3;
const JS_NUMBER = 2;

function readField(field: WireField): FieldDescriptor {
  const all = readFields(field.bytes);
  const options = optionsOf(all, 8);
  return {
    name: textAt(all, 1),
    number: integerAt(all, 3) ?? 0,
    isRepeated: integerAt(all, 4) === REPEATED,
    type: integerAt(all, 5) ?? 0,
    typeName: textAt(all, 6),
    oneof: integerAt(all, 9) ?? -1,
    isProto3Optional: integerAt(all, 17) === 1,
    isUnpacked: integerAt(options, 2) === 0,
    isJsNumber: integerAt(options, 6) === JS_NUMBER,
  };
}

function readEnum(field: WireField): EnumDescriptor {
  const all = readFields(field.bytes);
  const values = at(all, 2).map(value => {
    const fields = readFields(value.bytes);
    return { name: textAt(fields, 1), number: integerAt(fields, 2) ?? 0 };
  });
  return { name: textAt(all, 1), values };
}

function readComments(bytes: Uint8Array): Map<string, string> {
  const comments = new Map<string, string>();
  for (const location of at(readFields(bytes), 1)) {
    const all = readFields(location.bytes);
    const comment = textAt(all, 3) || textAt(all, 4);
    if (comment !== '') comments.set(packedIntegers(all, 1).join(','), comment);
  }
  return comments;
}

/** Of a `repeated int32 … [packed = true]`: small ones, as the paths of locations are. */
function packedIntegers(all: readonly WireField[], number: number): number[] {
  const integers: number[] = [];
  for (const field of at(all, number)) {
    let value = 0;
    let factor = 1;
    for (const byte of field.bytes) {
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
      if (byte > 0x7f) continue;
      integers.push(value);
      value = 0;
      factor = 1;
    }
  }
  return integers;
}

function at(all: readonly WireField[], number: number): WireField[] {
  return all.filter(field => field.number === number);
}

function textAt(all: readonly WireField[], number: number): string {
  const field = all.findLast(candidate => candidate.number === number);
  return field === undefined ? '' : text(field);
}

function integerAt(all: readonly WireField[], number: number): number | undefined {
  return all.findLast(field => field.number === number)?.integer;
}

function optionsOf(all: readonly WireField[], number: number): WireField[] {
  return at(all, number).flatMap(options => readFields(options.bytes));
}
