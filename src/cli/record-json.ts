import type { Headers } from '../records/headers.ts';
import { asBuffer, readUtf8 } from '../serdes/utf8.ts';

/** What JSON text can be made of. Bytes are `{ "base64": … }`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Raw bytes: text where they are UTF-8. */
export function bytesJson(bytes: Uint8Array): Json {
  const buffer = asBuffer(bytes);
  return readUtf8(buffer, 0, buffer.length) ?? base64Json(bytes);
}

export const base64Json = (bytes: Uint8Array): Json => ({ base64: asBuffer(bytes).toString('base64') });

/** Deeper values overflow the stack of whoever writes them. */
const MAX_DEPTH = 1000;

/**
 * A decoded value as JSON: bigints are decimal strings, bytes base64, numbers that JSON does not have the strings of Protobuf's
 * JSON mapping (`"NaN"`, `"Infinity"`, `"-Infinity"`).
 * @throws RangeError on one of more than a thousand levels
 */
export function valueJson(value: unknown, depth = 0): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      if (value === null) return null;
      if (value instanceof Uint8Array) return base64Json(value);
      if (depth === MAX_DEPTH) throw new RangeError('a value that is nested too deeply to be shown');
      if (Array.isArray(value)) return value.map(inner => valueJson(inner, depth + 1));
      return Object.fromEntries(
        Object.entries(value).flatMap(([name, inner]) =>
          inner === undefined ? [] : [[name, valueJson(inner, depth + 1)]],
        ),
      );
    default:
      return String(value);
  }
}

/** An object of name → value; where a name is repeated, an array of its values in their order. */
export function headersJson(headers: Headers): Json {
  const values = new Map<string, Json[]>();
  for (const [name, bytes] of headers) {
    const value = bytes === null ? null : bytesJson(bytes);
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0]! : all]));
}
