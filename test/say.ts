import { writeSync } from 'node:fs';

/** Writes a line to standard output at once, also where whoever reads it is slow: the pipe may be full. */
export function say(line: string): void {
  for (;;)
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
}
