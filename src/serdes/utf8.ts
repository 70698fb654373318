/**
 * Text in and out of buffers, for the short strings that keys and fields are: up to 16 ASCII characters are 2–4 times faster in
 * JavaScript than a call into Node's native code, which wins above.
 */

const SHORT = 16;
const LONE_SURROGATE = /\p{Surrogate}/u;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Node's own readers and writers, without the argument checks of `toString` and `write`. */
export interface NativeBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, offset: number): number;
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): NativeBuffer {
  return (
    Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  ) as NativeBuffer;
}

/** One `String.fromCharCode` with all arguments makes a flat string at once; a loop would make ropes. */
// eslint-disable-next-line @typescript-eslint/no-implied-eval -- all of it is text of ours
const readAscii = new Function('buffer', 'at', 'length', asciiReaderSource()) as (
  buffer: Uint8Array,
  at: number,
  length: number,
) => string | undefined;

/** @returns undefined when the bytes are no UTF-8. `end` must lie within the buffer. */
export function readUtf8(buffer: NativeBuffer, start: number, end: number): string | undefined {
  if (end - start <= SHORT) {
    const text = readAscii(buffer, start, end - start);
    if (text !== undefined) return text;
  }
  const text = buffer.utf8Slice(start, end);
  // Node writes U+FFFD for what it cannot read; the character itself is rare enough to look again.
  return text.includes('\uFFFD') ? readStrictly(buffer.subarray(start, end)) : text;
}

function readStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Writes `text` at `at`, where there must be room for three bytes a character.
 * @returns how many bytes, or -1 when the text holds half a surrogate pair, which UTF-8 cannot say.
 */
export function writeUtf8(buffer: NativeBuffer, text: string, at: number): number {
  const { length } = text;
  if (length <= SHORT) {
    let index = 0;
    for (; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) break;
      buffer[at + index] = code;
    }
    if (index === length) return length;
  }
  const written = buffer.utf8Write(text, at);
  return written !== length && LONE_SURROGATE.test(text) ? -1 : written;
}

function asciiReaderSource(): string {
  const cases = [`case 0: return '';`];
  for (let length = 1; length <= SHORT; length++) {
    const names = Array.from({ length }, (_, index) => `c${index}`);
    const reads = names.map((name, index) => `${name} = buffer[at + ${index}]`);
    const codes = names.join(', ');
    cases.push(
      `case ${length}: { const ${reads.join(', ')}; ` +
        `return (${names.join(' | ')}) > 127 ? undefined : String.fromCharCode(${codes}); }`,
    );
  }
  return `switch (length) { ${cases.join('\n')} }`;
}
