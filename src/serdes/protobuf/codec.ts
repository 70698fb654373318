import { TopologyError } from '../../errors.ts';
import { readDescriptorSet } from './descriptor.ts';
import { decoderSource } from './decoder-source.ts';
import { encoderSource } from './encoder-source.ts';
import { reading } from './reading.ts';
import { hasSmallNumbers, schemaOf } from './schema.ts';
import type { EnumSchema, Indexes, MessageSchema, Schema } from './schema.ts';
import { writing } from './writing.ts';
import type { NativeBuffer } from '../utf8.ts';

/** The generated functions of one message type. */
export interface Codec {
  readonly schema: MessageSchema;
  /** `levels`: how deeply messages may be nested. @throws WireFault */
  decode(buffer: NativeBuffer, start: number, end: number, levels: number): unknown;
  /** Writes into the slab, which must be open, and returns the position behind. @throws ValueFault */
  encode(value: unknown, at: number, levels: number): number;
}

const codecs = new Map<string, Codec>();

/**
 * The codec of a message, generated once per message and descriptor. A message type has a symbol of its own, under which decoded values
 * keep the raw bytes of the fields they do not know: an own, enumerable property, so that a spread takes it along, and no other message
 * writes it.
 * @throws TopologyError when the descriptor is none, or lacks the message
 */
export function codecOf(name: string, descriptor: string): Codec {
  const id = `${name} ${descriptor}`;
  let codec = codecs.get(id);
  if (codec === undefined) codecs.set(id, (codec = generate(name, readSchema(name, descriptor))));
  return codec;
}

function readSchema(name: string, descriptor: string): Schema {
  try {
    return schemaOf(readDescriptorSet(Buffer.from(descriptor, 'base64')));
  } catch (error) {
    if (error instanceof TopologyError) throw error;
    throw new TopologyError('TOPO_GRAPH_INVALID', `the descriptor of the Protobuf message ${name} is damaged`);
  }
}

function generate(name: string, schema: Schema): Codec {
  const root = schema.messages.get(name);
  if (root === undefined)
    throw new TopologyError('TOPO_GRAPH_INVALID', `the descriptor of ${name} holds no such message`);
  const messages = reachable(root);
  const enums = [...schema.enums.values()];
  const indexes: Indexes = {
    messageIndex: message => messages.indexOf(message),
    enumIndex: wanted => enums.indexOf(wanted),
  };
  const source = [
    ...enums.map((_, index) => `const names${index} = names[${index}], numbers${index} = numbers[${index}];`),
    ...messages.flatMap((message, index) => [
      `const known${index} = new Set([${message.fields.map(({ number }) => number).join(', ')}]);`,
      `const unknown${index} = unknown[${index}];`,
      decoderSource(message, index, indexes),
      encoderSource(message, index, indexes),
    ]),
  ];
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- names are quoted, all else is text of ours
  const make = new Function(
    ...['r', 'w', 'slab', 'names', 'numbers', 'unknown'],
    `'use strict';\n${source.join('\n')}\nreturn { decode: decode0, encode: encode0 };`,
  ) as (...parts: readonly unknown[]) => Pick<Codec, 'decode' | 'encode'>;
  return {
    schema: root,
    ...make(reading, writing, writing.slab, enums.map(namesOf), enums.map(numbersOf), messages.map(unknownFields)),
  };
}

const symbols = new Map<string, symbol>();

/**
 * The property of unknown fields: one symbol a message type, however it was reached. Another version of a message has another one: what
 * is unknown to this one it may know.
 */
function unknownFields({ name, definition }: MessageSchema): symbol {
  const id = `${name} ${Buffer.from(definition).toString('base64')}`;
  let symbol = symbols.get(id);
  if (symbol === undefined) symbols.set(id, (symbol = Symbol(`unknown fields of ${name}`)));
  return symbol;
}

/** The message itself first. */
function reachable(root: MessageSchema): MessageSchema[] {
  const found = new Set([root]);
  for (const message of found) {
    for (const field of message.fields) if (field.message !== undefined) found.add(field.message);
  }
  return [...found];
}

/** Number → name. The first name of an alias counts. */
function namesOf(schema: EnumSchema): readonly (string | undefined)[] | ReadonlyMap<number, string> {
  const byNumber = new Map(schema.values.toReversed().map(({ number, name }) => [number, name]));
  return hasSmallNumbers(schema) ? Array.from({ length: 256 }, (_, number) => byNumber.get(number)) : byNumber;
}

function numbersOf({ values }: EnumSchema): ReadonlyMap<string, number> {
  return new Map(values.map(({ number, name }) => [name, number]));
}
