import { readDescriptorSet } from '../serdes/protobuf/descriptor.ts';
import type { FieldDescriptor, MessageDescriptor } from '../serdes/protobuf/descriptor.ts';

/** A message type and the bytes that describe it, as a serde's description has them. */
interface Described {
  readonly message: string;
  readonly descriptor: string;
}

/**
 * Why bytes written as `stored` cannot be read as `current`, naming the field; null where they can. The rule is that of buf's
 * WIRE category (https://buf.build/docs/breaking/rules/): every field number that both have keeps its wire type, its
 * cardinality and its oneof, in the messages it refers to as well. Packed or not makes no difference to a reader.
 *
 * The name of a message is not in its bytes. One that changed its full name (a new package, say) is taken for the same message
 * if the fields that both have keep their names too; else Claims would be read as Policies wherever the numbers happen to fit.
 */
export function protobufProblem(stored: Described, current: Described): string | null {
  if (stored.descriptor === current.descriptor && stored.message === current.message) return null;
  const [before, after] = [messagesOf(stored.descriptor), messagesOf(current.descriptor)];
  const [from, to] = [before.get(stored.message), after.get(current.message)];
  if (!from || !to) return `its descriptor does not describe ${from ? current.message : stored.message}`;
  const seen = new Map<MessageDescriptor, Set<MessageDescriptor>>();

  const compare = (a: MessageDescriptor, b: MessageDescriptor, path: string): string | null => {
    if (seen.get(a)?.has(b)) return null;
    seen.set(a, (seen.get(a) ?? new Set()).add(b));
    for (const field of a.fields) {
      const other = b.fields.find(({ number }) => number === field.number);
      if (!other) continue;
      const at = `field ${field.number} (${path}${field.name})`;
      const problem = fieldProblem(field, other) ?? oneofProblem(oneofOf(a, field), oneofOf(b, other));
      if (problem !== null) return `${at} ${problem}`;
      if (field.type !== MESSAGE) continue;
      const [inner, otherInner] = [before.get(field.typeName.slice(1)), after.get(other.typeName.slice(1))];
      const nested = inner && otherInner ? compare(inner, otherInner, `${path}${field.name}.`) : null;
      if (nested !== null) return nested;
    }
    return null;
  };

  if (stored.message !== current.message) {
    const shared = from.fields.filter(({ number }) => to.fields.some(other => other.number === number));
    const renamed = shared.find(({ number, name }) =>
      to.fields.some(other => other.number === number && other.name !== name),
    );
    if (shared.length === 0 || renamed) return `${current.message} is another message than ${stored.message}`;
  }
  return compare(from, to, '');
}

/** Numbers of `FieldDescriptorProto.Type`, by which of them a reader of the one understands the other's bytes. */
const COMPATIBLE: readonly (readonly number[])[] = [
  [3, 4, 5, 8, 13, 14], // int64, uint64, int32, bool, uint32, enum: plain varints
  [17, 18], // sint32, sint64: zigzag varints
  [7, 15], // fixed32, sfixed32
  [6, 16], // fixed64, sfixed64
];
const NAMES = [
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
const STRING = 9;
const MESSAGE = 11;
const BYTES = 12;

function fieldProblem(a: FieldDescriptor, b: FieldDescriptor): string | null {
  if (a.isRepeated !== b.isRepeated) return a.isRepeated ? 'is not repeated any more' : 'became repeated';
  const fits =
    a.type === b.type ||
    // any text is bytes, and not the other way round
    (a.type === STRING && b.type === BYTES) ||
    COMPATIBLE.some(group => group.includes(a.type) && group.includes(b.type));
  return fits ? null : `was ${NAMES[a.type] ?? a.type} and is ${NAMES[b.type] ?? b.type}`;
}

/** The oneof that a field shares with others; null for none, and for the one that `optional` stands for. */
function oneofOf(message: MessageDescriptor, { oneof, isProto3Optional }: FieldDescriptor): string | null {
  return oneof < 0 || isProto3Optional ? null : (message.oneofs[oneof] ?? null);
}

function oneofProblem(a: string | null, b: string | null): string | null {
  if ((a === null) === (b === null)) return null;
  return b === null ? `left the oneof ${a}` : `moved into the oneof ${b}`;
}

/** By full name, nested ones included. */
function messagesOf(descriptor: string): Map<string, MessageDescriptor> {
  const messages = new Map<string, MessageDescriptor>();
  const add = (message: MessageDescriptor, scope: string) => {
    const name = scope === '' ? message.name : `${scope}.${message.name}`;
    messages.set(name, message);
    for (const nested of message.messages) add(nested, name);
  };
  for (const file of readDescriptorSet(Buffer.from(descriptor, 'base64')))
    for (const message of file.messages) add(message, file.package);
  return messages;
}
