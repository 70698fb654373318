import { FatalError } from '../errors.ts';

/** What a task commits besides an input's offset: the text kept with each of its offsets. */
export interface Progress {
  /** The task's commits are numbered from 1 without a gap. */
  readonly commit: number;
  /** Where a `readFirst` input ended at the first start. */
  readonly until?: number;
}

export const encodeProgress = (progress: Progress): string => JSON.stringify(progress);

/** @throws FatalError when it is nothing this program wrote */
export function decodeProgress(metadata: string, group: string): Progress {
  try {
    const { commit, until } = JSON.parse(metadata) as Partial<Progress>;
    if (Number.isSafeInteger(commit)) return { commit: commit!, ...(until !== undefined && { until }) };
  } catch {
    // said below: JSON.parse would quote the text
  }
  throw new FatalError(
    'TOPO_COMMIT_FAILED',
    `the offsets of group '${group}' were not committed by this topology. Give the topology a name of its own.`,
    { topology: group },
  );
}
