import type { Running, Sizes } from '../run.ts';
import type { Figures } from '../runtime/figures.ts';
import type { PartitionLag } from '../runtime/lag.ts';

/** What metrics are made of. */
export type Watched = Pick<Running, 'topology' | 'figures' | 'lag' | 'sizes'>;

/** A run at one moment. */
export interface Observed {
  readonly topology: string;
  readonly figures: Figures;
  readonly lag: readonly PartitionLag[];
  readonly sizes: Sizes;
}

export async function observe(run: Watched): Promise<Observed> {
  const [lag, sizes] = await Promise.all([run.lag(), run.sizes()]);
  return { topology: run.topology.name, figures: run.figures(), lag, sizes };
}
