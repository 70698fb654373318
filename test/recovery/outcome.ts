import { run } from 'topo-streams/run';
import { readTopic } from '../topic-records.ts';
import type { TopicRecord } from '../topic-records.ts';
import { withBroker } from './folders.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Scenario, ScenarioName } from './scenarios.ts';

/** What a scenario left in its topics and stores. */
export interface Outcome {
  readonly warnings: readonly string[];
  readonly topics: ReadonlyMap<string, readonly TopicRecord[]>;
  /** Entries by store, in the order of their keys. */
  readonly stores: ReadonlyMap<string, readonly (readonly [key: string, value: unknown])[]>;
}

/** Runs a scenario until it is idle, and reads what there is then. */
export async function finish(
  name: ScenarioName,
  data: string,
  topics: readonly string[],
  storeNames: readonly string[],
): Promise<Outcome> {
  const { topology, options }: Scenario = SCENARIOS[name];
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (_: unknown, message: string) => warnings.push(message), error: () => {} };
  const running = await run(topology, { ...options, data, log });
  await running.idle();
  const stores = new Map<string, [string, unknown][]>();
  for (const store of storeNames) {
    const entries: [string, unknown][] = [];
    for await (const [key, value] of running.store<string>(store).entries()) entries.push([key, value]);
    stores.set(
      store,
      entries.sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }
  await running.stop();
  const found = new Map<string, TopicRecord[]>();
  await withBroker(data, async broker => {
    for (const topic of topics) found.set(topic, await readTopic(broker, topic));
  });
  return { warnings, topics: found, stores };
}
