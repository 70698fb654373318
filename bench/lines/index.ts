import { count100k } from './count-100k.ts';
import { filterMap } from './filter-map.ts';
import { join100k } from './join-100k.ts';
import type { Line } from './line.ts';
import { passRaw } from './pass-raw.ts';
import { pass } from './pass.ts';
import { repartitionCount } from './repartition-count.ts';

export const LINES: readonly Line[] = [passRaw, pass, filterMap, join100k, count100k, repartitionCount];
