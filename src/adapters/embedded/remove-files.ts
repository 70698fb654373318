import type { Disk } from './disk.ts';
import type { LogFiles } from './log-files.ts';

/** Removes files that nobody needs any more. One that stays, because the disk fails, is removed when the log is opened again. */
export async function removeFiles(disk: Disk, files: LogFiles, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  try {
    for (const name of names) {
      await files.forget(name);
      await disk.remove(name);
    }
    await disk.sync();
  } catch {
    // the log is what it should be without that
  }
}
