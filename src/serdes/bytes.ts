import { kindOf, unencodable } from './refusal.ts';
import type { Serde } from './serde.ts';

/** Bytes as they are. Both ways copy: what `decode` returns stays as it is when the runtime reuses its buffer. */
export function bytes(): Serde<Uint8Array> {
  return serde;
}

const serde: Serde<Uint8Array> = {
  description: { type: 'bytes' },
  encode(value) {
    if (!(value instanceof Uint8Array)) throw unencodable(`expected bytes (a Uint8Array), got ${kindOf(value)}`);
    return Buffer.from(value);
  },
  decode: value => Buffer.from(value),
};
