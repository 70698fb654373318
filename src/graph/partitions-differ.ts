import { TopologyError } from '../errors.ts';
import type { Root } from './edges.ts';

/** One of what a step brings together, with its partition count. */
export interface Side {
  readonly root: Root;
  readonly count: number;
  /** Whose count that is, where it is not its own. */
  readonly as?: Root;
}

/** `TOPO_PARTITIONS_DIFFER`, with what to do about these two. */
export function partitionsDiffer(topology: string, step: string, a: Side, b: Side): TopologyError {
  return new TopologyError(
    'TOPO_PARTITIONS_DIFFER',
    `step '${step}' brings together ${shown(a, ' partitions')} and ${shown(b)}: equal keys would lie in different partitions. ` +
      fix(step, a, b),
    { topology, step },
  );
}

function shown({ root, count, as }: Side, unit = ''): string {
  const source = as === undefined || as === root ? '' : `, as ${nameOf(as)} has`;
  return `${nameOf(root)} (${count}${unit}${source})`;
}

const nameOf = (root: Root): string =>
  root.kind === 'source' ? `topic ${root.topic.name}` : `the repartition of '${root.id}'`;

function fix(step: string, a: Side, b: Side): string {
  const declared = [a, b].filter(({ root }) => root.kind === 'key' && root.partitions !== undefined);
  if (declared.length === 2) return `Give both one count, or leave it out in one of them: that one takes the other's.`;
  if (declared.length === 1)
    return `Leave out the partitions of '${declared[0]!.root.id}': it takes those of the other side.`;
  const shared = [a, b].find(({ root }) => root.kind === 'key');
  if (shared !== undefined)
    return `Put .repartition('a-name') between '${shared.root.id}' and '${step}': it takes the count of the other side.`;
  return (
    `Give both topics one count, or put .repartition('a-name') in front of '${step}' on one side: it takes the count of the ` +
    `other. (A table: t.stream(topic).repartition('a-name').toTable('another-name').)`
  );
}
