import { TopologyError } from '../../errors.ts';
import type { EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor } from './descriptor.ts';

/** A message as values of it look in TypeScript; made from its descriptor, read by the code generators. */
export interface MessageSchema {
  /** `insurance.v1.Claim` */
  readonly name: string;
  /** Without the package. */
  readonly shortName: string;
  readonly file: string;
  /** Tells two versions of one message apart: its file's descriptor. */
  readonly definition: Uint8Array;
  readonly isMapEntry: boolean;
  readonly fields: readonly FieldSchema[];
  readonly oneofs: readonly OneofSchema[];
}

export interface OneofSchema {
  /** As the `.proto` has it. */
  readonly name: string;
  readonly property: string;
  readonly fields: readonly FieldSchema[];
}

export interface FieldSchema {
  /** As the `.proto` has it. */
  readonly name: string;
  /** In lowerCamelCase, whatever `json_name` says. */
  readonly property: string;
  readonly number: number;
  readonly type: ScalarType | 'enum' | 'message';
  /**
   * implicit: always there, with its default (a required property); explicit: `optional` and messages (an optional property);
   * repeated: an array; map: an object; oneof: part of `OneofSchema`.
   */
  readonly presence: 'implicit' | 'explicit' | 'repeated' | 'map' | 'oneof';
  /** Written packed. Both forms are read. */
  readonly isPacked: boolean;
  /** 64 bits as a number, checked to be safe. */
  readonly isJsNumber: boolean;
  /** Of type message. A getter: messages may hold themselves. */
  readonly message: MessageSchema | undefined;
  readonly enum: EnumSchema | undefined;
}

/** An open enum: its values are their names without the common prefix, numbers that have no name are themselves. */
export interface EnumSchema {
  readonly name: string;
  readonly shortName: string;
  readonly file: string;
  readonly values: readonly { readonly name: string; readonly number: number }[];
}

/** Whether an array can hold its names. */
export function hasSmallNumbers({ values }: EnumSchema): boolean {
  return values.every(({ number }) => number >= 0 && number < 256);
}

/** The numbers under which generated code knows messages and enums. */
export interface Indexes {
  readonly messageIndex: (message: MessageSchema) => number;
  readonly enumIndex: (schema: EnumSchema) => number;
}

export type ScalarType = (typeof SCALARS)[number] & string;

/** By `FieldDescriptorProto.Type`. */
const SCALARS = [
  undefined,
  'double',
  'float',
  'int64',
  'uint64',
  'int32',
  'fixed64',
  'fixed32',
  'bool',
  'string',
  undefined,
  undefined,
  'bytes',
  'uint32',
  undefined,
  'sfixed32',
  'sfixed64',
  'sint32',
  'sint64',
] as const;

const MESSAGE = 11;
const ENUM = 14;
const MAX_NUMBER = 2 ** 29 - 1;

/** Every message and enum of some files, by full name. */
export interface Schema {
  readonly messages: ReadonlyMap<string, MessageSchema>;
  readonly enums: ReadonlyMap<string, EnumSchema>;
}

/** @throws TopologyError on files that are not proto3, or that protoc would not accept */
export function schemaOf(files: readonly FileDescriptor[]): Schema {
  const messages = new Map<string, MessageSchema>();
  const enums = new Map<string, EnumSchema>();
  const schema: Schema = { messages, enums };
  for (const file of files) {
    const prefix = file.package === '' ? '' : `${file.package}.`;
    const addEnum = (descriptor: EnumDescriptor, outer: string) => {
      const shortName = outer + descriptor.name;
      enums.set(prefix + shortName, enumSchema(descriptor, prefix + shortName, shortName, file.name));
    };
    const addMessage = (descriptor: MessageDescriptor, outer: string) => {
      const shortName = outer + descriptor.name;
      messages.set(prefix + shortName, messageSchema(descriptor, prefix + shortName, shortName, file, schema));
      for (const inner of descriptor.messages) addMessage(inner, `${shortName}.`);
      for (const inner of descriptor.enums) addEnum(inner, `${shortName}.`);
    };
    for (const descriptor of file.messages) addMessage(descriptor, '');
    for (const descriptor of file.enums) addEnum(descriptor, '');
  }
  return schema;
}

function messageSchema(
  descriptor: MessageDescriptor,
  name: string,
  shortName: string,
  file: FileDescriptor,
  schema: Schema,
): MessageSchema {
  if (file.syntax !== 'proto3') throw invalid(`${name}: ${file.name} must say syntax = "proto3"`);
  const fields = descriptor.fields.map(field => fieldSchema(field, name, schema));
  const oneofs = descriptor.oneofs.flatMap((oneof, index) => {
    const members = fields.filter((_, at) => oneofOf(descriptor.fields[at]!) === index);
    return members.length === 0 ? [] : [{ name: oneof, property: camelCase(oneof), fields: members }];
  });
  const properties = [...fields.filter((_, at) => oneofOf(descriptor.fields[at]!) < 0), ...oneofs].map(
    ({ property }) => property,
  );
  if (new Set(properties).size !== properties.length) throw invalid(`${name}: two fields of one name`);
  if (new Set(fields.map(({ number }) => number)).size !== fields.length)
    throw invalid(`${name}: two fields of one number`);
  const { name: path, bytes: definition } = file;
  return { name, shortName, file: path, definition, isMapEntry: descriptor.isMapEntry, fields, oneofs };
}

function fieldSchema(field: FieldDescriptor, owner: string, schema: Schema): FieldSchema {
  const scalar = SCALARS[field.type];
  const type = field.type === MESSAGE ? 'message' : field.type === ENUM ? 'enum' : scalar;
  if (type === undefined)
    throw invalid(`${owner}.${field.name}: a field of a type that proto3 does not have (a group?)`);
  if (!(field.number >= 1 && field.number <= MAX_NUMBER)) throw invalid(`${owner}.${field.name}: not a field number`);
  const typeName = field.typeName.replace(/^\./, '');
  return {
    name: field.name,
    property: camelCase(field.name),
    number: field.number,
    type,
    get presence() {
      if (field.isRepeated) return this.message?.isMapEntry ? 'map' : 'repeated';
      if (oneofOf(field) >= 0) return 'oneof';
      return field.isProto3Optional || type === 'message' ? 'explicit' : 'implicit';
    },
    isPacked: field.isRepeated && type !== 'string' && type !== 'bytes' && type !== 'message' && !field.isUnpacked,
    isJsNumber: field.isJsNumber,
    get message() {
      return type === 'message' ? found(schema.messages.get(typeName), typeName, owner) : undefined;
    },
    get enum() {
      return type === 'enum' ? found(schema.enums.get(typeName), typeName, owner) : undefined;
    },
  };
}

/** -1 for none: `optional` is a oneof of one in the descriptor only. */
function oneofOf(field: FieldDescriptor): number {
  return field.isProto3Optional ? -1 : field.oneof;
}

function found<T>(value: T | undefined, name: string, owner: string): T {
  if (value === undefined) throw invalid(`${owner}: its descriptor lacks ${name}`);
  return value;
}

function enumSchema(descriptor: EnumDescriptor, name: string, shortName: string, file: string): EnumSchema {
  const prefix = `${descriptor.name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}_`;
  const isCommon = descriptor.values.every(value => value.name.startsWith(prefix) && value.name.length > prefix.length);
  const values = descriptor.values.map(value => ({
    name: isCommon ? value.name.slice(prefix.length) : value.name,
    number: value.number,
  }));
  return { name, shortName, file, values };
}

/** As protoc makes JSON names: an underscore goes, and the letter behind it becomes a capital. */
function camelCase(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

function invalid(problem: string): TopologyError {
  return new TopologyError('TOPO_GRAPH_INVALID', `a Protobuf message that cannot be used: ${problem}`);
}
