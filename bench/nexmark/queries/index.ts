import { q0 } from './q0.ts';
import { q1 } from './q1.ts';
import { q2 } from './q2.ts';
import type { Query } from './query.ts';

export const QUERIES: readonly Query[] = [q0, q1, q2];
