import type { Topology } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { brief, drive } from '../drive.ts';

/**
 * What a topology writes to `out` when its records are fed in one go, and when it crashes or stops between any two of them: the
 * first is what all others must be.
 */
export async function lives(
  topology: Topology,
  fed: readonly InputRecord[],
): Promise<[whole: string[], ...string[][]]> {
  const outcomes: string[][] = [];
  for (let at = 1; at < fed.length; at++)
    for (const crash of [true, false]) {
      await using driver = await drive(topology);
      await driver.pipeAll(fed.slice(0, at));
      // what is under way when it dies is not committed, and is taken again
      await driver.send(fed[at]!);
      if (crash) await driver.crash();
      await driver.restart();
      await driver.pipeAll(fed.slice(at + 1));
      outcomes.push(brief(await driver.read('out')));
    }
  await using driver = await drive(topology);
  await driver.pipeAll(fed);
  return [brief(await driver.read('out')), ...outcomes];
}
