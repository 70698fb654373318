import type { Broker, OffsetRange } from './ports.ts';
import type { GlobalTable } from './global-table.ts';
import type { Task } from './task.ts';

/**
 * Resolves once everything that lay in the tasks' topics at the call is processed and committed, with all it led to. Records that
 * come meanwhile are not waited for, only such of their calls as have begun before the last record of the call is committed;
 * unless the topology writes to topics that it reads: then it waits for all ends at once. `nextLoop` resolves when the tasks had
 * a turn.
 */
export async function settled(
  tasks: readonly Task[],
  broker: Pick<Broker, 'offsets'>,
  nextLoop: () => Promise<void>,
): Promise<void> {
  const inputs = tasks.flatMap(task => task.inputs.map(input => ({ task, input })));
  const until = async (condition: () => boolean) => {
    while (!condition()) await nextLoop();
  };
  const hops = hopsOf(tasks);
  const atTheCall: OffsetRange[] = [];
  for (let hop = 0; hop < hops; hop++) {
    const written = writtenBy(tasks);
    const ranges = await broker.offsets(inputs.map(({ input }) => input));
    if (hop === 0) atTheCall.push(...ranges);
    const ends = inputs.map(({ input }, index) =>
      input.input.node.kind === 'source' && hops < Infinity ? atTheCall[index]!.end : ranges[index]!.end,
    );
    const isPast = () => inputs.every(({ task, input }, index) => task.isPast(input, ends[index]!));
    // a commit meanwhile may have moved an end that had been asked for already
    if (isPast() && tasks.every(isQuiet) && written === writtenBy(tasks)) return;
    await until(isPast);
    const begun = tasks.map(task => task.begun());
    const isBusy = () => tasks.some((task, index) => task.isBusyBefore(begun[index]!));
    do {
      await until(() => !isBusy());
      const commits = tasks.map(task => task.openCommit);
      await until(() => tasks.every((task, index) => task.written >= commits[index]!));
      // an epoch that was aborted brings its calls back
    } while (isBusy());
  }
}

/** Resolves once everything that lay in the global tables' topics at the call is in their rows. */
export async function caughtUp(
  globals: readonly GlobalTable[],
  broker: Pick<Broker, 'offsets'>,
  nextLoop: () => Promise<void>,
): Promise<void> {
  const partitions = globals.flatMap(table => table.partitions);
  const ends = await broker.offsets(partitions);
  while (partitions.some(({ position }, index) => position < ends[index]!.end)) await nextLoop();
}

const isQuiet = (task: Task): boolean => !task.hasWork && !task.isCommitting && !task.isBusy;
const writtenBy = (tasks: readonly Task[]): number => tasks.reduce((sum, task) => sum + task.written, 0);

/** From one task to the next, through a topic, or through calls within one: how often a record's effects can go on at most. */
function hopsOf(tasks: readonly Task[]): number {
  // one task of each: all of a sub-topology have the same steps
  const examples = new Map(tasks.map(task => [task.subTopology, task]));
  const subTopologies = [...examples.keys()];
  const sources = new Set(
    subTopologies.flatMap(({ inputs }) => inputs.flatMap(({ node, topic }) => (node.kind === 'source' ? topic : []))),
  );
  if (subTopologies.some(({ writes }) => writes.some(topic => sources.has(topic)))) return Infinity;
  const calls = [...examples.values()].reduce((sum, task) => sum + task.calling, 0);
  // the way of an effect may lead back into a task (a foreign-key join's does), but through no repartition twice
  const repartitions = subTopologies.flatMap(({ inputs }) => inputs.filter(({ node }) => node.kind === 'key'));
  return 1 + repartitions.length + Math.max(0, calls - 1);
}
