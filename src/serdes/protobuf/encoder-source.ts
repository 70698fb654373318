import { DELIMITED, is64Bit, tagOf, wireType } from './decoder-source.ts';
import type { FieldSchema, Indexes, MessageSchema, OneofSchema } from './schema.ts';

/**
 * The source of an encoder: `function encode0(v, p, left)`: value, position in the slab, how many levels may follow; it returns the
 * position behind. `b` is the slab's buffer, read anew wherever it may have been replaced. Every name that stems from a descriptor goes
 * through `JSON.stringify`.
 *
 * There is always room for all fixed parts of the fields to come (`room`); texts, bytes and elements ask for theirs on top.
 */
export function encoderSource(schema: MessageSchema, index: number, indexes: Indexes): string {
  const context: Context = { index, ...indexes, room: roomFor(schema) };
  if (schema.isMapEntry) return entrySource(schema, context);
  const fields = schema.fields.filter(field => field.presence !== 'oneof');
  const parts = [
    ...fields.map(field => ({ number: field.number, source: fieldSource(field, context) })),
    ...schema.oneofs.map(oneof => ({ number: oneof.fields[0]!.number, source: oneofSource(oneof, context) })),
  ].sort((a, b) => a.number - b.number);
  return `
function encode${index}(v, p, left) {
  if (left < 0) throw w.fault('', 'an object', 'that is nested less deeply', v);
  if (typeof v !== 'object' || v === null) throw w.fault('', 'an object', '', v);
  let b = slab.buffer, x, n, q;
  ${ask('0', context)}
  x = v[unknown${index}];
  if (x !== undefined) { ${ask('x.length', context)} b.set(x, p); p += x.length; }
  ${parts.map(({ source }) => source).join('\n  ')}
  return p;
}`;
}

interface Context extends Indexes {
  readonly index: number;
  readonly room: number;
}

/** A tag, and the longest value of fixed size or a length. */
const MAX_FIELD = 5 + 10;

function roomFor(schema: MessageSchema): number {
  return (schema.fields.length + 1) * MAX_FIELD;
}

/** Room for `bytes` more, and for what follows. */
function ask(bytes: string, { room }: Context): string {
  return `if (p + ${bytes} + ${room} > b.length) { p = slab.grow(p, ${bytes} + ${room}); b = slab.buffer; }`;
}

function tagSource(tag: number): string {
  return tag < 0x80 ? `b[p++] = ${tag};` : `p = w.varint(b, p, ${tag});`;
}

/** `path` is source text. */
function refuse(path: string, [kind, which]: Expectation): string {
  return `throw w.fault(${path}, ${JSON.stringify(kind)}, ${JSON.stringify(which)}, x)`;
}

/** What `kindOf` says of a good value, and what else it must be. */
type Expectation = readonly [kind: string, which: string];

function fieldSource(field: FieldSchema, context: Context): string {
  const name = JSON.stringify(field.property);
  const read = `x = v[${name}];`;
  switch (field.presence) {
    case 'implicit':
      return `${read} ${checkSource(field, name, context)} if (${isSet(field)}) { ${writeSource(field, name, context)} }`;
    case 'explicit':
      return `${read} if (x !== undefined) { ${checkSource(field, name, context)} ${writeSource(field, name, context)} }`;
    case 'map':
      return `${read} ${mapSource(field, name, context)}`;
    default:
      return `${read} ${repeatedSource(field, name, context)}`;
  }
}

/** Not the default, which implicit presence leaves out. */
function isSet(field: FieldSchema): string {
  switch (field.type) {
    case 'string':
    case 'bytes':
      return 'x.length !== 0';
    case 'bool':
      return 'x';
    case 'enum':
      return 'n !== 0';
    case 'double':
    case 'float':
      return 'x !== 0 || Object.is(x, -0)';
    default:
      return is64Bit(field.type) && !field.isJsNumber ? 'x !== 0n' : 'x !== 0';
  }
}

/** Refuses an `x` that is no value of the field; of an enum it puts the number into `n`. `path`: source of the path. */
function checkSource(field: FieldSchema, path: string, context: Context): string {
  const refused = refuse(path, expectation(field));
  switch (field.type) {
    case 'string':
      return `if (typeof x !== 'string') ${refused};`;
    case 'bytes':
      return `if (!(x instanceof Uint8Array)) ${refused};`;
    case 'bool':
      return `if (typeof x !== 'boolean') ${refused};`;
    case 'double':
    case 'float':
      return `if (typeof x !== 'number') ${refused};`;
    case 'message':
      return '';
    case 'enum':
      return (
        `if ((n = numbers${context.enumIndex(field.enum!)}.get(x)) === undefined) ` +
        `{ if (typeof x !== 'number' || (x | 0) !== x) ${refused}; n = x; }`
      );
    case 'uint32':
    case 'fixed32':
      return `if (typeof x !== 'number' || x >>> 0 !== x) ${refused};`;
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return `if (typeof x !== 'number' || (x | 0) !== x) ${refused};`;
    default:
      if (!field.isJsNumber) return `if (typeof x !== 'bigint') ${refused};`;
      return `if (!Number.isSafeInteger(x)${isUnsigned(field) ? ' || x < 0' : ''}) ${refused};`;
  }
}

function isUnsigned(field: FieldSchema): boolean {
  return field.type === 'uint64' || field.type === 'fixed64';
}

function expectation(field: FieldSchema): Expectation {
  switch (field.type) {
    case 'string':
      return ['a string', 'without half a surrogate pair'];
    case 'bytes':
      return ['bytes', ''];
    case 'bool':
      return ['a boolean', ''];
    case 'message':
      return ['an object', ''];
    case 'enum':
      return ['a string', `out of ${field.enum!.shortName}`];
    default: {
      const isBigint = is64Bit(field.type) && !field.isJsNumber;
      return [
        isBigint ? 'a bigint' : 'a number',
        `in the range of ${field.type}${is64Bit(field.type) && !isBigint ? ', a safe integer' : ''}`,
      ];
    }
  }
}

/** Tag and value of an `x` that was checked. */
function writeSource(field: FieldSchema, path: string, context: Context): string {
  const tag = tagSource(tagOf(field, wireType(field.type)));
  switch (field.type) {
    case 'message':
      return nested(tag, `encode${context.messageIndex(field.message!)}(x, p + 1, left - 1)`, path, context);
    case 'string':
    case 'bytes':
      return `${ask(field.type === 'string' ? 'x.length * 3' : 'x.length', context)} ${tag} ${valueSource(field, path)}`;
    default:
      return `${tag} ${valueSource(field, path)}`;
  }
}

/** The value alone. */
function valueSource(field: FieldSchema, path: string): string {
  const checked = `if (p < 0) ${refuse(path, expectation(field))};`;
  switch (field.type) {
    case 'string':
      return `p = w.text(b, x, p); ${checked}`;
    case 'bytes':
      return 'p = w.bytes(b, x, p);';
    case 'bool':
      return 'b[p++] = x ? 1 : 0;';
    case 'enum':
      return 'if (n >= 0 && n < 128) b[p++] = n; else p = w.int32(b, p, n);';
    case 'int32':
      return 'if (x >= 0 && x < 128) b[p++] = x; else p = w.int32(b, p, x);';
    case 'uint32':
      return 'if (x < 128) b[p++] = x; else p = w.varint(b, p, x);';
    case 'sint32':
      return 'p = w.varint(b, p, ((x << 1) ^ (x >> 31)) >>> 0);';
    case 'fixed32':
    case 'sfixed32':
      return 'p = w.fixed32(b, p, x);';
    case 'float':
      return `p = w.float(b, p, x); ${checked}`;
    case 'double':
      return 'p = w.double(b, p, x);';
    default:
      if (!field.isJsNumber) return `p = w.${field.type}(b, p, x); ${checked}`;
      return `p = w.${field.type.replace(/^uint/, 'int').replace(/^sfixed/, 'fixed')}Number(b, p, x);`;
  }
}

/**
 * A part with its length in front: one byte is kept free for it, `encode` (source) writes from the next one on, and the length is put in
 * afterwards. The part's start is remembered relative to the slab's, which may move.
 */
function nested(tag: string, encode: string, path: string, context: Context): string {
  return (
    `${tag} q = p - slab.start; try { p = ${encode}; } catch (error) { throw w.within(error, ${path}); } ` +
    `p = w.lengthen(q + slab.start, p); b = slab.buffer; ${ask('0', context)}`
  );
}

function repeatedSource(field: FieldSchema, name: string, context: Context): string {
  const refused = `if (!Array.isArray(x)) ${refuse(name, ['an array', ''])};`;
  const path = `${JSON.stringify(`${field.property}[`)} + i + ']'`;
  const each = (body: string) => `for (let i = 0; i < a.length; i++) { x = a[i]; ${body} }`;
  if (field.isPacked) {
    const element = `${checkSource(field, path, context)} ${ask('0', context)} ${valueSource(field, path)}`;
    return (
      `${refused} if (x.length !== 0) { const a = x; ${tagSource(tagOf(field, DELIMITED))} q = p - slab.start; p++; ` +
      `${each(element)} p = w.lengthen(q + slab.start, p); b = slab.buffer; ${ask('0', context)} }`
    );
  }
  const element = `${checkSource(field, path, context)} ${ask('0', context)} ${writeSource(field, path, context)}`;
  return `${refused} { const a = x; ${each(element)} ${ask('0', context)} }`;
}

/** Own properties only: their names are the keys. */
function mapSource(field: FieldSchema, name: string, context: Context): string {
  const entry = field.message!;
  const path = JSON.stringify(`${field.property}[…]`);
  const key = entry.fields.find(({ number }) => number === 1)!;
  const keyOf = `w.keyOf(${JSON.stringify(key.type)}, ${key.isJsNumber}, keys[i])`;
  const encode = `encode${context.messageIndex(entry)}(k, a[keys[i]], p + 1, left - 1)`;
  return (
    `if (typeof x !== 'object' || x === null || Array.isArray(x) || x instanceof Map) ${refuse(name, ['an object', 'without a class'])}; ` +
    `{ const a = x, keys = Object.keys(a); for (let i = 0; i < keys.length; i++) { ${ask('0', context)} const k = ${keyOf}; ` +
    `${nested(tagSource(tagOf(field, DELIMITED)), encode, path, context)} } }`
  );
}

/** `k` key, `v` value: both always written. */
function entrySource(schema: MessageSchema, context: Context): string {
  const part = (number: number, from: string) => {
    const field = schema.fields.find(candidate => candidate.number === number)!;
    const path = number === 1 ? `'key'` : `''`;
    return `x = ${from}; ${checkSource(field, path, context)} ${writeSource(field, path, context)}`;
  };
  return `
function encode${context.index}(k, v, p, left) {
  let b = slab.buffer, x, n, q;
  ${ask('0', context)}
  ${part(1, 'k')}
  ${part(2, 'v')}
  return p;
}`;
}

function oneofSource(oneof: OneofSchema, context: Context): string {
  const name = JSON.stringify(oneof.property);
  const cases = oneof.fields.map(field => {
    const path = JSON.stringify(`${oneof.property}.value`);
    const body = `x = x.value; ${checkSource(field, path, context)} ${writeSource(field, path, context)}`;
    return `case ${JSON.stringify(field.property)}: { ${body} break; }`;
  });
  const expected = [
    'an object',
    `with a case out of ${oneof.fields.map(({ property }) => property).join(', ')}`,
  ] as const;
  return (
    `x = v[${name}]; if (x !== undefined) { if (typeof x !== 'object' || x === null) ${refuse(name, expected)}; ` +
    `switch (x.case) { ${cases.join(' ')} default: ${refuse(name, expected)}; } }`
  );
}
