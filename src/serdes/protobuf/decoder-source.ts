import { hasSmallNumbers } from './schema.ts';
import type { FieldSchema, Indexes, MessageSchema, OneofSchema, ScalarType } from './schema.ts';

/**
 * The source of a decoder: `function decode0(b, p, end, left, more)`: buffer, position, end, how many levels may follow, and of a
 * message that comes in pieces all their places, the first one's included: start, end, start, end … Every name that stems from a
 * descriptor goes through `JSON.stringify`; everything else is numbers and text of ours.
 *
 * Messages in it are only marked in the loop and decoded behind it: one that comes in pieces is decoded once, out of all of them.
 */
export function decoderSource(schema: MessageSchema, index: number, indexes: Indexes): string {
  const plain = schema.fields.filter(field => field.presence !== 'oneof');
  const locals = [...plain.map(declaration), ...schema.oneofs.map((_, at) => oneofDeclaration(at))];
  const cases = [
    ...plain.map((field, at) => fieldCases(field, at, indexes)),
    ...schema.oneofs.flatMap((oneof, at) => oneof.fields.map(field => oneofCase(field, oneof, at, indexes))),
  ];
  const always = plain.flatMap((field, at) =>
    field.presence === 'explicit' ? [] : [`${property(field.property)}: v${at}`],
  );
  return `
function decode${index}(b, p, end, left, more) {
  if (left < 0) throw r.tooDeep();
  let x, n, t, s, u, i = 2;
  ${locals.join('\n  ')}
  for (;;) {
    while (p < end) {
      s = p;
      if ((t = b[p++]) > 127) { t = r.tag(b, s); p = r.at; }
      switch (t) {
        ${cases.join('\n        ')}
        default:
          p = r.skip(b, t, p, end, known${index});
          if (u === undefined) u = [s, p]; else if (u[u.length - 1] === s) u[u.length - 1] = p; else u.push(s, p);
      }
    }
    if (p !== end) throw r.truncated();
    if (more === undefined || i === more.length) break;
    p = more[i++];
    end = more[i++];
  }
  const o = { ${always.join(', ')} };
  ${plain.map((field, at) => explicitResult(field, at, indexes)).join('\n  ')}
  ${schema.oneofs.map((oneof, at) => oneofResult(oneof, at, indexes)).join('\n  ')}
  if (u !== undefined) o[unknown${index}] = r.collect(b, u);
  return o;
}`;
}

/** In a literal, `__proto__` would set the prototype; computed it is a property like any other. */
function property(name: string): string {
  return name === '__proto__' ? `['__proto__']` : JSON.stringify(name);
}

function setProperty(name: string, value: string): string {
  return name === '__proto__'
    ? `Object.defineProperty(o, '__proto__', { value: ${value}, enumerable: true, configurable: true, writable: true });`
    : `o[${JSON.stringify(name)}] = ${value};`;
}

function declaration(field: FieldSchema, at: number): string {
  switch (field.presence) {
    case 'repeated':
      return `const v${at} = [];`;
    case 'map':
      return `const v${at} = r.empty();`;
    case 'explicit':
      return field.type === 'message' ? `let s${at} = -1, e${at} = 0, d${at};` : `let v${at};`;
    default:
      return `let v${at} = ${defaultSource(field)};`;
  }
}

/** k: the field that came last; w: its value; s, e, d: its place if it is a message. */
function oneofDeclaration(at: number): string {
  return `let ok${at} = 0, ow${at}, os${at} = 0, oe${at} = 0, od${at};`;
}

function defaultSource(field: FieldSchema): string {
  switch (field.type) {
    case 'string':
      return `''`;
    case 'bytes':
      return 'new Uint8Array(0)';
    case 'bool':
      return 'false';
    case 'enum':
      return JSON.stringify(field.enum!.values.find(({ number }) => number === 0)?.name ?? 0);
    default:
      return is64Bit(field.type) && !field.isJsNumber ? '0n' : '0';
  }
}

export function is64Bit(type: FieldSchema['type']): boolean {
  return type.endsWith('64');
}

export const VARINT = 0;
export const EIGHT_BYTES = 1;
export const DELIMITED = 2;
export const FOUR_BYTES = 5;

export function wireType(type: FieldSchema['type']): number {
  switch (type) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return EIGHT_BYTES;
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return FOUR_BYTES;
    case 'string':
    case 'bytes':
    case 'message':
      return DELIMITED;
    default:
      return VARINT;
  }
}

export function tagOf(field: FieldSchema, wire: number): number {
  return field.number * 8 + wire;
}

/** Reads a length into `n`, the position behind it; refuses one that leads out of the message. */
const READ_LENGTH = `if ((n = b[p++]) > 127) { n = r.length(b, p - 1); p = r.at; } if (!(p + n <= end)) throw r.truncated();`;

/** Reads a value into `x`. */
function readSource(field: FieldSchema, indexes: Indexes): string {
  const type = field.type as ScalarType | 'enum';
  switch (type) {
    case 'string':
      return `${READ_LENGTH} x = r.text(b, p, p + n); p += n;`;
    case 'bytes':
      return `${READ_LENGTH} x = r.copy(b, p, p + n); p += n;`;
    case 'bool':
      return `if ((x = b[p++]) > 127) { x = r.bool(b, p - 1); p = r.at; } else x = x !== 0;`;
    case 'enum':
      return `${readVarint('int32', 'x')} x = ${enumName(field, indexes)} ?? x;`;
    case 'int32':
    case 'uint32':
      return readVarint(type, 'x');
    case 'sint32':
      return readVarint(type, '(x >>> 1) ^ -(x & 1)');
    case 'int64':
    case 'uint64':
      return field.isJsNumber ? readVarint(`${type}Number`, 'x') : readVarint(type, 'r.small[x]');
    case 'sint64':
      return readVarint(
        field.isJsNumber ? 'sint64Number' : type,
        field.isJsNumber ? '(x >>> 1) ^ -(x & 1)' : undefined,
      );
    default: {
      const size = wireType(type) === FOUR_BYTES ? 4 : 8;
      const reader = is64Bit(type) && field.isJsNumber ? `${type}Number` : type;
      return `if (p + ${size} > end) throw r.truncated(); x = r.${reader}(b, p); p += ${size};`;
    }
  }
}

/** `short`: the value of a varint of one byte, in terms of `x`; without it there is no shorter way. */
function readVarint(reader: string, short: string | undefined): string {
  if (short === undefined) return `x = r.${reader}(b, p); p = r.at;`;
  return `if ((x = b[p++]) > 127) { x = r.${reader}(b, p - 1); p = r.at; }${short === 'x' ? '' : ` else x = ${short};`}`;
}

/** Only numbers that have a name: looked up in an array where they are small, which is nearly always. */
function enumName(field: FieldSchema, indexes: Indexes): string {
  const names = `names${indexes.enumIndex(field.enum!)}`;
  return hasSmallNumbers(field.enum!) ? `${names}[x]` : `${names}.get(x)`;
}

function fieldCases(field: FieldSchema, at: number, indexes: Indexes): string {
  const wire = wireType(field.type);
  const start = `case ${tagOf(field, wire)}:`;
  if (field.presence === 'map') {
    const entry = `decode${indexes.messageIndex(field.message!)}(b, p, p + n, left - 1)`;
    return `${start} ${READ_LENGTH} x = ${entry}; v${at}[x.key] = ${mapValue(field.message!, indexes)}; p += n; break;`;
  }
  if (field.presence === 'repeated') {
    if (field.type === 'message') {
      return `${start} ${READ_LENGTH} v${at}.push(decode${indexes.messageIndex(field.message!)}(b, p, p + n, left - 1)); p += n; break;`;
    }
    const one = `${start} ${readSource(field, indexes)} v${at}.push(x); break;`;
    if (wire === DELIMITED) return one;
    const packed =
      `case ${tagOf(field, DELIMITED)}: { ${READ_LENGTH} const outer = end; end = p + n; ` +
      `while (p < end) { ${readSource(field, indexes)} v${at}.push(x); } ` +
      `if (p !== end) throw r.truncated(); end = outer; break; }`;
    return `${one}\n        ${packed}`;
  }
  if (field.type === 'message') {
    const mark = `if (s${at} < 0) { s${at} = p; e${at} = p + n; } else (d${at} ??= [s${at}, e${at}]).push(p, p + n);`;
    return `${start} ${READ_LENGTH} ${mark} p += n; break;`;
  }
  return `${start} ${readSource(field, indexes)} v${at} = x; break;`;
}

/** An entry without a value has its default; without a message, an empty one. */
function mapValue(entry: MessageSchema, indexes: Indexes): string {
  const value = entry.fields.find(({ number }) => number === 2)!;
  return value.type === 'message'
    ? `x.value ?? decode${indexes.messageIndex(value.message!)}(b, 0, 0, left - 2)`
    : 'x.value';
}

function oneofCase(field: FieldSchema, { fields }: OneofSchema, at: number, indexes: Indexes): string {
  const start = `case ${tagOf(field, wireType(field.type))}:`;
  const replaced = fields.filter(other => other.type === 'message' && other !== field);
  // nobody will see it, but bytes that are no message must not pass
  const checks = replaced.map(
    other => `if (ok${at} === ${other.number}) decode${indexes.messageIndex(other.message!)}(b, ${markedIn(at)}); `,
  );
  if (field.type !== 'message')
    return `${start} ${checks.join('')}${readSource(field, indexes)} ok${at} = ${field.number}; ow${at} = x; break;`;
  const first = `{ ${checks.join('')}ok${at} = ${field.number}; os${at} = p; oe${at} = p + n; od${at} = undefined; }`;
  const again = `(od${at} ??= [os${at}, oe${at}]).push(p, p + n)`;
  return `${start} ${READ_LENGTH} if (ok${at} !== ${field.number}) ${first} else ${again}; p += n; break;`;
}

/** Where the message lies that came last in a oneof. */
function markedIn(at: number): string {
  return `os${at}, oe${at}, left - 1, od${at}`;
}

function explicitResult(field: FieldSchema, at: number, indexes: Indexes): string {
  if (field.presence !== 'explicit') return '';
  if (field.type !== 'message') return `if (v${at} !== undefined) ${setProperty(field.property, `v${at}`)}`;
  const value = `decode${indexes.messageIndex(field.message!)}(b, s${at}, e${at}, left - 1, d${at})`;
  return `if (s${at} >= 0) ${setProperty(field.property, value)}`;
}

function oneofResult(oneof: OneofSchema, at: number, indexes: Indexes): string {
  const cases = oneof.fields.map(field => {
    const name = JSON.stringify(field.property);
    if (field.type !== 'message') return `case ${field.number}: x = { case: ${name}, value: ow${at} }; break;`;
    const value = `decode${indexes.messageIndex(field.message!)}(b, ${markedIn(at)})`;
    return `case ${field.number}: x = { case: ${name}, value: ${value} }; break;`;
  });
  return `if (ok${at} !== 0) { switch (ok${at}) { ${cases.join(' ')} } ${setProperty(oneof.property, 'x')} }`;
}
