import { kindOf, undecodable, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';
import { slab } from './slab.ts';
import { asBuffer, readUtf8, writeUtf8 } from './utf8.ts';

declare const brand: unique symbol;

/** A string that the compiler keeps apart from others: `Branded<'PolicyId'>` joins no `Branded<'ClaimId'>`. */
export type Branded<Brand extends string> = string & { readonly [brand]: Brand };

/**
 * UTF-8 text. `string<'PolicyId'>()` gives a `Branded<'PolicyId'>`, so that keys of different meaning do not join.
 * Bytes that are no UTF-8 do not decode, text with half a surrogate pair does not encode: either would come back changed.
 */
export function string(): Serde<string>;
export function string<Brand extends string>(): Serde<Branded<Brand>>;
export function string(): Serde<string> {
  return serde;
}

const serde: Serde<string> = {
  description: { type: 'string' },
  encode(value) {
    if (typeof value !== 'string') throw unencodable(`expected a string, got ${kindOf(value)}`);
    return encodeText(value);
  },
  decode(value) {
    const text = readUtf8(asBuffer(value), 0, value.length);
    if (text === undefined) throw undecodable('expected UTF-8 text');
    return text;
  },
};

/** @throws RecordError `TOPO_ENCODE` on half a surrogate pair. */
function encodeText(text: string): Buffer {
  const start = slab.open(text.length * 3);
  const length = writeUtf8(slab.buffer, text, start);
  if (length < 0) throw unencodable('text with half a surrogate pair is no UTF-8');
  return slab.close(start + length);
}
