import type { Serde } from '../serdes/serde.ts';
import type { ProcessorSpec } from './steps.ts';
import type { StreamKey } from './stream-key.ts';

/** A history is forgotten by the slice: it has about as many. */
const SLICES = 8;

/** The stores of a versioned table, rows and history, and how long it keeps that. */
export function versions(
  rows: Serde<unknown>,
  key: StreamKey,
  retentionMs: number,
): Pick<ProcessorSpec, 'stores' | 'options'> {
  // a power of two, so that a history can become a little longer or shorter and find what was stored before
  let sliceMs = 1;
  while (sliceMs < retentionMs / SLICES) sliceMs *= 2;
  return {
    options: { retentionMs, sliceMs },
    stores: [
      { value: rows },
      {
        suffix: '-history',
        key: () => ({ description: { type: 'version-key', of: key.serde!.description, sliceMs } }),
        value: { description: { type: 'versions', of: rows.description } },
      },
    ],
  };
}
