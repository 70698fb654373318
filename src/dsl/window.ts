import type { TopologyError } from '../errors.ts';
import { checkOptions } from './arguments.ts';
import { milliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import { refusal } from './refusal.ts';

export interface WindowOptions {
  /** For how long behind its end a window still takes late records. Default 0. */
  readonly grace?: Duration;
  /**
   * `update` (default): each change of a window's row is handed on. `final`: a row is handed on once, when its window is closed
   * and nothing can change it any more.
   */
  readonly emit?: 'update' | 'final';
}

/** Windows of a length that is known beforehand. Made by `tumbling`, `hopping` and `sliding`. */
export interface TimeWindow {
  readonly processor: 'timeWindow' | 'slidingWindow';
  readonly options: WindowNodeOptions;
}

/** Windows that last as long as records follow one another. Made by `session`. */
export interface SessionWindow {
  readonly processor: 'sessionWindow';
  readonly options: WindowNodeOptions;
}

export type Window = TimeWindow | SessionWindow;

/** Times in ms. */
export type WindowNodeOptions = Readonly<Record<string, number | string>> & {
  readonly graceMs: number;
  readonly emit: 'update' | 'final';
};

/**
 * Windows of one size that follow one another, from 1970 on: `[start, start + size)`. One is closed when stream time reaches its
 * end + grace; a record that comes later is dropped as late.
 * @throws TopologyError on what is no duration
 */
export function tumbling(size: Duration, options: WindowOptions = {}): TimeWindow {
  return timeWindow('tumbling', { size, every: size }, options);
}

/**
 * Windows of one size that begin `every` so often, from 1970 on, so that a record is in several. Closed as tumbling ones are,
 * each for itself: a record can be late for one and on time for the next.
 * @throws TopologyError on what is no duration, and where `every` is longer than the size
 */
export function hopping(size: Duration, options: WindowOptions & { readonly every: Duration }): TimeWindow {
  // for callers without types
  const { every, ...rest } = options ?? {};
  return timeWindow('hopping', { size, every }, rest);
}

/**
 * Windows around the records themselves: `[t - difference, t]`, both ends included, for each record at t, and one that begins
 * right behind it, as soon as something lies there (KIP-450). So each group of records of which the first and the last are no
 * further apart is in some window. Closed when stream time passes the end + grace.
 * @throws TopologyError on what is no duration
 */
export function sliding(difference: Duration, options: WindowOptions = {}): TimeWindow {
  const differenceMs = milliseconds(difference, 'sliding: the difference');
  return { processor: 'slidingWindow', options: { differenceMs, ...common('sliding', options) } };
}

/**
 * Windows of records that follow one another with gaps of `gap` at most: `[first, last]`, both ends included. A record between
 * two sessions makes one of them. Closed when stream time passes the end + gap + grace.
 * @throws TopologyError on what is no duration
 */
export function session(gap: Duration, options: WindowOptions = {}): SessionWindow {
  return {
    processor: 'sessionWindow',
    options: { gapMs: milliseconds(gap, 'session: the gap'), ...common('session', options) },
  };
}

function timeWindow(
  name: string,
  { size, every }: { readonly size: Duration; readonly every: Duration },
  options: WindowOptions,
): TimeWindow {
  const sizeMs = milliseconds(size, `${name}: the size`);
  const everyMs = milliseconds(every, `${name}: 'every'`);
  if (sizeMs === 0) throw wrong(`${name}: the size is 0, and nothing lies in such a window.`);
  if (everyMs === 0 || everyMs > sizeMs)
    throw wrong(
      `${name}: 'every' is ${everyMs} ms. It takes 1 ms up to the size, ${sizeMs} ms, or records would be in no window.`,
    );
  return { processor: 'timeWindow', options: { sizeMs, everyMs, ...common(name, options) } };
}

function common(name: string, options: WindowOptions): Pick<WindowNodeOptions, 'graceMs' | 'emit'> {
  checkOptions(name, options, ['grace', 'emit']);
  const { grace = 0, emit = 'update' } = options;
  // for callers without types
  if (!['update', 'final'].includes(emit))
    throw wrong(`${name}: 'emit' is ${JSON.stringify(emit)}; it takes 'update' or 'final'.`);
  return { graceMs: milliseconds(grace, `${name}: 'grace'`), emit };
}

const wrong = (message: string): TopologyError => refusal('TOPO_GRAPH_INVALID', message);
