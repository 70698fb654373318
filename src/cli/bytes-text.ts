import { asBuffer, readUtf8 } from '../serdes/utf8.ts';

/** Bytes for people, in lines: as text where they are UTF-8 without control characters, as a hex dump else. */
export function bytesLines(bytes: Uint8Array): string[] {
  const buffer = asBuffer(bytes);
  const text = readUtf8(buffer, 0, buffer.length);
  return text === undefined || /[\0-\x08\x0b-\x1f\x7f-\x9f]/.test(text) ? hexDump(buffer) : text.split('\n');
}

const ROW = 16;

/** `00000010  7b 22 69 64 22 3a 22 50  2d 31 22 7d              |{"id":"P-1"}|`, as `hexdump -C` prints it. */
function hexDump(bytes: Buffer): string[] {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = bytes.subarray(at, at + ROW);
    const hex = [...row].map((byte, i) => `${i === ROW / 2 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`).join(' ');
    const text = [...row].map(byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    rows.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(ROW * 3)}  |${text}|`);
  }
  return rows;
}
