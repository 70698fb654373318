import { FatalError } from '../../errors.ts';
import type { OffsetGap } from './log-state.ts';

/** More than these are counted, not listed. */
const LISTED = 20;

/** `what`: the place in the file and what is lost there. */
export function damaged(
  path: string,
  what: string,
  place: { topic?: string; partition?: number; offset?: number } = {},
) {
  return new FatalError(
    'TOPO_LOG_DAMAGED',
    `The log is damaged in ${path}. ${what} Nothing was changed. Put the file back from a copy if there is one; ` +
      'without one, `topo run --accept-loss` goes on with what is left.',
    { ...place, path },
  );
}

/** Nothing is left that a log could be made of again. */
export const notEven = (path: string): FatalError =>
  new FatalError(
    'TOPO_LOG_DAMAGED',
    `The log is damaged in ${path}. No segment says any more which log it is of, so not even --accept-loss goes on with it. Put ` +
      'the file back from a copy, or start over in another folder (--data).',
    { path },
  );

/** "claims-0 120–239, claims-1 80–99", or that nothing is known. */
export function describeGaps(gaps: readonly OffsetGap[]): string {
  if (gaps.length === 0) return 'Which offsets they held is not known.';
  const listed = gaps
    .slice(0, LISTED)
    .map(({ topic, partition, from, to }) => `${topic}-${partition} ${from}–${to - 1}`);
  const more = gaps.length > LISTED ? ` and in ${gaps.length - LISTED} more partitions` : '';
  return `Missing offsets: ${listed.join(', ')}${more}.`;
}

export const newerFormat = (path: string, reason: string): FatalError =>
  new FatalError('TOPO_FOLDER_UNUSABLE', `${path} was written by another version of Topo: ${reason}.`, { path });

/** "commit 7" or "commits 7–9". */
export const describeCommits = (first: number, last: number): string =>
  last > first ? `commits ${first}–${last}` : `commit ${first}`;
