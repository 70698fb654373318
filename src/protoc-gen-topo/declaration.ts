import type { EnumSchema, FieldSchema, MessageSchema } from '../serdes/protobuf/schema.ts';

type NameOf = (type: MessageSchema | EnumSchema) => string;

/** The interface of a message. `docsOf`: the comment of a field or oneof, by its name in the `.proto`. */
export function interfaceSource(
  message: MessageSchema,
  name: string,
  nameOf: NameOf,
  docsOf: (field: string) => string,
): string {
  const plain = message.fields.filter(field => field.presence !== 'oneof');
  const properties = [
    ...plain.map(field => ({ number: field.number, source: docsOf(field.name) + propertySource(field, nameOf) })),
    ...message.oneofs.map(oneof => ({
      number: oneof.fields[0]!.number,
      source: docsOf(oneof.name) + oneofSource(oneof.property, oneof.fields, nameOf, docsOf),
    })),
  ].sort((a, b) => a.number - b.number);
  if (properties.length === 0) return `export type ${name} = Readonly<Record<never, never>>;\n`;
  return `export interface ${name} {\n${properties.map(({ source }) => source).join('')}}\n`;
}

function propertySource(field: FieldSchema, nameOf: NameOf): string {
  const name = propertyName(field.property);
  const type = valueType(field, nameOf);
  switch (field.presence) {
    case 'explicit':
      return `  readonly ${name}?: ${type} | undefined;\n`;
    case 'repeated':
      return `  readonly ${name}: readonly ${type.includes('|') ? `(${type})` : type}[];\n`;
    case 'map': {
      const value = field.message!.fields.find(({ number }) => number === 2)!;
      return `  readonly ${name}: { readonly [key: string]: ${valueType(value, nameOf)} };\n`;
    }
    default:
      return `  readonly ${name}: ${type};\n`;
  }
}

function oneofSource(
  property: string,
  fields: readonly FieldSchema[],
  nameOf: NameOf,
  docsOf: (field: string) => string,
): string {
  const cases = fields.map(field => {
    const comment = docsOf(field.name).replace(/^(?=.)/gm, '  ');
    return `${comment}    | { readonly case: '${field.property}'; readonly value: ${valueType(field, nameOf)} }\n`;
  });
  return `  readonly ${propertyName(property)}?:\n${cases.join('')}    | undefined;\n`;
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function valueType(field: FieldSchema, nameOf: NameOf): string {
  switch (field.type) {
    case 'string':
      return 'string';
    case 'bytes':
      return 'Uint8Array';
    case 'bool':
      return 'boolean';
    case 'message':
      return nameOf(field.message!);
    case 'enum':
      return nameOf(field.enum!);
    default:
      return field.type.endsWith('64') && !field.isJsNumber ? 'bigint' : 'number';
  }
}

/** Open, as Protobuf's enums are: a number stands for a value that a later version has named. */
export function enumSource({ values }: EnumSchema, name: string, comment: string): string {
  const names = [...new Set(values.map(value => `'${value.name}'`))];
  return `${comment}export type ${name} = ${[...names, 'number'].join(' | ')};\n`;
}

/** A comment of the `.proto` as a docstring; empty for none. */
export function docs(comment: string | undefined, indent: string): string {
  if (comment === undefined) return '';
  const lines = comment
    .replaceAll('*/', '*\\/')
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/^ /, '').trimEnd());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map(line => `${indent} *${line === '' ? '' : ` ${line}`}\n`).join('')}${indent} */\n`;
}
