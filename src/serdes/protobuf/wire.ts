/** One field of a message as it stands on the wire. */
export interface WireField {
  readonly number: number;
  /** Of a varint, signed; exact up to ±2^53. */
  readonly integer: number;
  /** Of a length-delimited field. */
  readonly bytes: Uint8Array;
  /** The whole field, its tag included. */
  readonly raw: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/**
 * The fields of a message one by one, for messages that are read once: descriptors and the compiler's requests. Records go through
 * generated code.
 * @throws RangeError when the bytes are no Protobuf message
 */
export function readFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let position = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[position++];
      if (byte === undefined || shift > 63n) throw new RangeError('no Protobuf message');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
  };
  while (position < bytes.length) {
    const start = position;
    const tag = varint();
    let integer = 0;
    let content: Uint8Array = NO_BYTES;
    switch (tag % 8) {
      case 0:
        integer = varint();
        break;
      case 1:
        position += 8;
        break;
      case 2: {
        const length = varint();
        if (length < 0) throw new RangeError('no Protobuf message');
        content = bytes.subarray(position, position + length);
        position += length;
        break;
      }
      case 5:
        position += 4;
        break;
      default:
        throw new RangeError('no Protobuf message');
    }
    if (position > bytes.length) throw new RangeError('no Protobuf message');
    fields.push({ number: Math.floor(tag / 8), integer, bytes: content, raw: bytes.subarray(start, position) });
  }
  return fields;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

export function text(field: WireField): string {
  return decoder.decode(field.bytes);
}

/** Length-delimited fields, one behind the other: all that descriptors and the compiler's answers are made of. */
export function writeField(number: number, value: Uint8Array | string): Uint8Array {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from(varintBytes(number * 8 + 2)), Buffer.from(varintBytes(content.length)), content]);
}

export function writeVarintField(number: number, value: number): Uint8Array {
  return Buffer.from([...varintBytes(number * 8), ...varintBytes(value)]);
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
