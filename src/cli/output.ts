import { once } from 'node:events';
import { EXIT } from './exit-codes.ts';

/** Standard output, at the reader's pace. */
export async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

/** Rows with their columns under one another; the last column is not padded. */
export async function printTable(rows: readonly (readonly string[])[]): Promise<void> {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  for (const row of rows)
    await print(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

/** Who reads us may go first (`topo tail … | head`): that is the end, and no error. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    process.stderr.write(`error TOPO_DISK: standard output cannot be written (${error.code}). Check where it goes.\n`);
    process.exit(EXIT.failed);
  });
  process.stderr.on('error', () => {});
}
