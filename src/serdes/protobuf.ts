import { codecOf } from './protobuf/codec.ts';
import type { MessageType } from './protobuf/message.ts';
import { WireFault } from './protobuf/reading.ts';
import { ValueFault } from './protobuf/writing.ts';
import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { slab } from './slab.ts';
import { asBuffer } from './utf8.ts';

export interface ProtobufLimits {
  /** Levels of messages within messages, both ways. Default 100. */
  readonly maxDepth?: number;
  /** Of bytes to decode. Default 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * Protobuf (proto3). A decoded message is a plain object:
 *
 * - a field without `optional` is always there, with its default; `optional` fields and messages are properties only if they are set
 * - int64 and its kin are bigints; with `[jstype = JS_NUMBER]` numbers, which must be safe integers
 * - an enum is the name of its value without the enum's prefix (`'OPEN'`), or the number if that has no name
 * - a oneof is `{ case: 'card', value: … }`, a map an object, bytes a Uint8Array of their own
 *
 * Unknown fields survive decode → `{ ...message, change }` → encode as the same message type, and never get into another one.
 * `encode` refuses a value of the wrong type or range, and a field that is missing, by its path; properties that the message does not have
 * are ignored, since TypeScript lets a wider object pass.
 */
export function protobuf<T>(type: MessageType<T>, limits: ProtobufLimits = {}): Serde<T> {
  const { maxDepth = 100, maxBytes = 64 * 1024 * 1024 } = limits;
  const codec = codecOf(type.name, type.descriptor);
  const { name, shortName } = codec.schema;
  return {
    description: { type: 'protobuf', message: type.name, descriptor: type.descriptor },
    encode(value) {
      let end: number;
      try {
        end = codec.encode(value, slab.open(0), maxDepth - 1);
      } catch (error) {
        if (!(error instanceof ValueFault)) throw error;
        throw unencodable(`${error.path === '' ? shortName : `${shortName}.${error.path}`}: ${error.problem}`);
      }
      return slab.close(end);
    },
    decode(bytes) {
      if (!(bytes instanceof Uint8Array)) throw undecodable(`${name}: expected bytes, got ${kindOf(bytes)}`);
      if (bytes.length > maxBytes) throw undecodable(`${name}: more than ${maxBytes} bytes`);
      try {
        return codec.decode(asBuffer(bytes), 0, bytes.length, maxDepth - 1) as T;
      } catch (error) {
        if (!(error instanceof WireFault) && !(error instanceof RangeError)) throw error;
        throw undecodable(`${name}: ${error instanceof WireFault ? `the message ${error.message}` : 'cannot be read'}`);
      }
    },
  };
}
