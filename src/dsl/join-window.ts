import { checkOptions } from './arguments.ts';
import { milliseconds } from './duration.ts';
import type { Duration } from './duration.ts';

/** How far apart in time two records may lie to be joined, and how long a record waits for late partners. Made by `within`. */
export interface JoinWindow {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
}

/**
 * The window of a join of two streams: a right record joins a left one if its timestamp is at most `difference` before or after
 * the left one's (`{ before, after }`: at most `before` before, at most `after` after). Both ends count, as in Kafka Streams'
 * `JoinWindows`.
 *
 * `grace`: how far behind stream time a record may be beyond that and still join; later it is dropped as late. Left and outer
 * joins report a record without a partner only when nothing can join it any more, so a longer grace means later results.
 *
 * @throws TopologyError on what is no duration
 */
export function within(
  difference: Duration | { readonly before: Duration; readonly after: Duration },
  options: { readonly grace?: Duration } = {},
): JoinWindow {
  checkOptions('within', options, ['grace']);
  const hasEnds = typeof difference === 'object';
  if (hasEnds) checkOptions('within', difference, ['before', 'after']);
  const { before, after } = hasEnds ? difference : { before: difference, after: difference };
  return {
    beforeMs: milliseconds(before, hasEnds ? `within: 'before'` : 'within: the difference'),
    afterMs: milliseconds(after, `within: 'after'`),
    graceMs: milliseconds(options.grace ?? 0, `within: 'grace'`),
  };
}
