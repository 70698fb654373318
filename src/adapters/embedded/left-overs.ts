import type { Log } from '../../runtime/ports.ts';
import type { Disk } from './disk.ts';
import type { LogState } from './log-state.ts';
import { fileOf, type Tail } from './replay.ts';
import { compactedName, isLogFile, segmentName } from './segment.ts';

/**
 * Removes what a process that cleans leaves behind when it is killed: files that were being made, or taken away. To be called
 * when everything that the state names was found, and is durable.
 */
export async function removeLeftOvers(disk: Disk, log: Log, state: LogState, tail: Tail): Promise<void> {
  const needed = new Set([fileOf(tail), ...state.sealed.map(sealed => segmentName(...sealed))]);
  for (const { partitions } of state.topics.values())
    for (const { compacted } of partitions)
      for (const [file] of compacted?.files ?? []) needed.add(compactedName(file));
  const leftOvers = (await disk.list()).filter(name => isLogFile(name) && !needed.has(name));
  if (leftOvers.length === 0) return;
  for (const name of leftOvers) await disk.remove(name);
  await disk.sync();
  log.info({ files: leftOvers.length }, 'removed files that were being made or taken away when the process ended');
}
