import type { NativeBuffer } from './utf8.ts';

/** A value that keeps its bytes keeps its slab: small ones, as Node's own pool has. */
const SLAB_BYTES = 16 * 1024;

/**
 * Where encoders write: values lie one behind the other in a shared piece of memory and each is handed out as a view of its own
 * part, which is never written again. Half the cost of writing to a scratch buffer and copying.
 *
 * One value at a time: `open`, write, `close`. A value that turns out to be impossible is left open; the next `open` takes its
 * place. Whoever writes calls no foreign code in between.
 */
export class Slab {
  buffer = Buffer.allocUnsafeSlow(SLAB_BYTES) as NativeBuffer;
  /** Where the value that is being written begins. `grow` may move it. */
  start = 0;

  /** Room for `bytes`; returns where to write. */
  open(bytes: number): number {
    if (this.start + bytes > this.buffer.length) {
      this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes)) as NativeBuffer;
      this.start = 0;
    }
    return this.start;
  }

  /** Room for `bytes` more behind `position`. `buffer` may be another one afterwards; returns the position in it. */
  grow(position: number, bytes: number): number {
    if (position + bytes <= this.buffer.length) return position;
    const written = position - this.start;
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (written + bytes) * 2)) as NativeBuffer;
    this.buffer.copy(larger, 0, this.start, position);
    this.buffer = larger;
    this.start = 0;
    return written;
  }

  /** The bytes from `open`'s place to `end`. */
  close(end: number): Buffer {
    const bytes = this.buffer.subarray(this.start, end);
    this.start = end;
    return bytes;
  }
}

export const slab = new Slab();
