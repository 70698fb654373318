import type { Disk } from './disk.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Copies a file of the folder. Durable when it resolves, but for its name: the folder must be synced. */
export async function copyFile(disk: Disk, from: string, to: string): Promise<void> {
  const source = await disk.open(from, 'read');
  try {
    const target = await disk.open(to, 'create');
    try {
      const size = await source.size();
      for (let at = 0; at < size;) {
        const bytes = await source.read(at, Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, size - at)));
        if (bytes.length === 0) break;
        await target.write(at, [bytes]);
        at += bytes.length;
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
