import { HOT_KEY_LINES } from '../hot-key/lines.ts';
import { INSURANCE_LINES } from '../insurance/lines.ts';
import { NEXMARK_LINES } from '../nexmark/lines.ts';
import { count100k, count1m, count1mZipf } from './count.ts';
import { filterMap } from './filter-map.ts';
import { join100k, join1m, join1mZipf } from './join.ts';
import type { Line } from './line.ts';
import { passRaw } from './pass-raw.ts';
import { pass } from './pass.ts';
import { repartitionCount } from './repartition-count.ts';

/** Names that stand for several lines. */
export const GROUPS: ReadonlyMap<string, readonly Line[]> = new Map([
  ['nexmark', NEXMARK_LINES],
  ['insurance', INSURANCE_LINES],
  ['hot-key', HOT_KEY_LINES],
]);

export const LINES: readonly Line[] = [
  ...[passRaw, pass, filterMap, repartitionCount],
  ...[join100k, join1m, join1mZipf],
  ...[count100k, count1m, count1mZipf],
  ...NEXMARK_LINES,
  ...INSURANCE_LINES,
  ...HOT_KEY_LINES,
];
