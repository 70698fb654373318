import type { Random } from './random.ts';

/**
 * Bytes that are no JSON in any reading, made from the event that follows them: cut off, in UTF-16 (which is no UTF-8 either),
 * or another program's words.
 */
export function poisonBytes(event: string, random: Random): Buffer {
  switch (random.below(3)) {
    case 0:
      return Buffer.from(event.slice(0, 1 + random.below(event.length - 1)));
    case 1:
      return Buffer.from(`\ufeff${event}`, 'utf16le');
    default:
      return Buffer.from('upstream connect error or disconnect/reset before headers');
  }
}
