import { join } from 'node:path';
import { openEmbeddedBroker } from '../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../src/adapters/embedded/node-disk.ts';
import { json, protobuf, sliding, string, topic, topology, tumbling, windowed, within } from '../../src/index.ts';
import type { Stream, TimeWindow } from '../../src/index.ts';
import { backlogRecords, writeBacklog } from '../backlog.ts';
import { forEachRecord } from '../digest.ts';
import { Claim } from '../gen/bench/v1/claim.ts';
import { AMPLE_BYTES, CLAIMS, OUT } from '../lines/line.ts';
import type { Line } from '../lines/line.ts';
import { expectSameLines } from '../same-lines.ts';
import { claimPairs, closedSlidingWindows, closedTumblingWindows } from './naive.ts';
import type { KeyedClaim } from './naive.ts';

/** Ten a millisecond. */
const RECORDS = 200_000;
const KEYS = 10_000;

const TUMBLING_MS = 1_000;
/** With one key 100 claims lie in a window, and each claim in 20 windows. */
const SLIDING_MS = 10;
/** With one key a claim meets ten others. */
const WITHIN_MS = 1;

/** The same work on claims that all have one key, and on claims of 10,000. */
interface Work {
  readonly name: string;
  build(claims: Stream<string, Claim>): void;
  /** A result as text. */
  textOf(key: Uint8Array, value: Uint8Array): string;
  expected(claims: readonly KeyedClaim[]): string[];
}

const works: readonly Work[] = [
  countIn('tumbling', tumbling(TUMBLING_MS, { emit: 'final' }), claims => closedTumblingWindows(claims, TUMBLING_MS)),
  countIn('sliding', sliding(SLIDING_MS, { emit: 'final' }), claims => closedSlidingWindows(claims, SLIDING_MS)),
  {
    name: 'stream-join',
    build(claims) {
      const closed = claims.filter(({ status }) => status === 'CLOSED');
      claims
        .filter(({ status }) => status === 'OPEN')
        .join('pairs', closed, within(WITHIN_MS), (open, { claimId }) => `${open.claimId} ${claimId}`)
        .to(topic(OUT, string(), string()));
    },
    textOf: (_, value) => string().decode(value),
    expected: claims => claimPairs(claims, WITHIN_MS),
  },
];

/** What a hot key costs. */
export const HOT_KEY_LINES: readonly Line[] = works.flatMap(work => [
  lineOf(`${work.name}-10k-keys`, work, KEYS),
  lineOf(`${work.name}-1-key`, work, 1),
]);

function countIn(name: string, window: TimeWindow, expected: Work['expected']): Work {
  return {
    name,
    build(claims) {
      claims
        .groupByKey()
        .window(window)
        .count('counts')
        .to(topic(OUT, windowed(string()), json<number>()));
    },
    textOf(bytes, value) {
      const { key, start, end } = windowed(string()).decode(bytes);
      return `${key} ${start} ${end} ${json<number>().decode(value)}`;
    },
    expected,
  };
}

function lineOf(name: string, work: Work, policies: number): Line {
  const backlog = { key: 'policy', policies } as const;
  return {
    name,
    records: RECORDS,
    memoryBytes: AMPLE_BYTES,
    topology: () =>
      topology(name, t => {
        work.build(t.stream(topic(CLAIMS, string(), protobuf(Claim))));
      }),
    write: (folder, records) => writeBacklog(folder, backlog, records),

    async outcome(folder, records) {
      const broker = await openEmbeddedBroker({ disk: await nodeDisk(join(folder, 'log')) });
      const found: string[] = [];
      await forEachRecord(broker, OUT, record => found.push(work.textOf(record.keyBytes()!, record.valueBytes()!)));
      await broker.close();
      const serde = protobuf(Claim);
      const claims = [...backlogRecords(backlog, records)].map(({ timestampMs, value }) => {
        const { claimId, policyId, status } = serde.decode(value!);
        return { timestampMs, claimId, policyId, status };
      });
      return expectSameLines(found.sort(), work.expected(claims).sort());
    },
  };
}
