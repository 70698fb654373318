import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { protobuf, string, topic, topology } from '../src/index.ts';
import { run } from '../src/run.ts';
import { writeBacklog } from './backlog.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { CLAIMS, PARTITIONS } from './lines/line.ts';
import { COUNTS } from './lines/running-counts.ts';
import { measured } from './sample.ts';
import type { Sample } from './sample.ts';

export const RESTORE_KEYS = 1_000_000;

const restoreTopology = topology('restore', t => {
  t.stream(topic(CLAIMS, string(), protobuf(Claim)))
    .groupByKey()
    .count('counts')
    .to(COUNTS);
});

/** A count of as many keys: its state is deleted, and what a start then takes is measured. */
export async function measureRestore(folder: string, keys: number): Promise<Sample> {
  await writeBacklog(folder, { key: 'claim' }, keys);
  const options = { data: folder, partitions: PARTITIONS };
  const first = await run(restoreTopology, options);
  await first.idle();
  await first.stop();
  await rm(join(folder, 'state'), { recursive: true });
  return measured(async () => {
    const second = await run(restoreTopology, options);
    return () => second.stop();
  });
}
