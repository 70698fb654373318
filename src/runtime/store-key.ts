import { asBuffer } from '../serdes/utf8.ts';

/** A key as stores know it: its bytes, one character each (latin1), which JavaScript maps hash fastest. */
export const textOfKey = (bytes: Uint8Array): string => asBuffer(bytes).latin1Slice(0, bytes.length);

/** The bytes of a key that a store has. */
export const bytesOfKey = (text: string): Buffer => Buffer.from(text, 'latin1');
