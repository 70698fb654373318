import { FatalError } from '../../errors.ts';
import type { Append, Broker } from '../../runtime/ports.ts';
import { refuseFuture } from './check-commit.ts';

const GROUP = 'topo-produce';
const TASK = 'produce';

/**
 * Appends what comes from outside, all of it in one commit. One at a time.
 * @throws TopologyError `TOPO_INPUT_INVALID` for records from the future; FatalError
 */
export async function appendOutside(broker: Broker, appends: readonly Append[], nowMs: number): Promise<void> {
  const topics = new Map((await broker.topics()).map(topic => [topic.name, topic]));
  for (const { topic, batches } of appends) {
    const found = topics.get(topic);
    if (found !== undefined) refuseFuture(found, batches, nowMs);
  }
  let assigned = () => {};
  const ready = new Promise<void>(resolve => (assigned = resolve));
  const nothing = async () => {};
  const membership = await broker.join(GROUP, [{ id: TASK, inputs: [] }], {
    assigned: async () => assigned(),
    revoked: nothing,
    lost: nothing,
  });
  try {
    await ready;
    const writer = await membership.open(TASK);
    const outcome = await writer.commit({ appends, offsets: [] });
    const [topic] = appends.map(append => append.topic);
    if (outcome.kind !== 'committed')
      throw new FatalError('TOPO_COMMIT_FAILED', `the records were not written to ${topic}. Try again.`);
    await writer.close();
  } finally {
    await membership.leave();
  }
}
