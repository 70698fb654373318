import { writeBacklog } from '../backlog.ts';
import type { Backlog } from '../backlog.ts';
import { digestOf } from '../digest.ts';
import type { Digested } from '../digest.ts';
import type { Line } from './line.ts';

type Comparison = Required<Omit<Line, 'write' | 'outcome'>> & Digested & { readonly backlog: Backlog };

/** A line on a backlog of claims, whose outputs must be those of its bare loop. */
export function comparedLine({ backlog, isOrdered, changelog, ...line }: Comparison): Line {
  return {
    ...line,
    write: (folder, records) => writeBacklog(folder, backlog, records),
    outcome: folder => digestOf(folder, { isOrdered, changelog }),
  };
}
