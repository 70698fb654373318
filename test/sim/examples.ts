import { insuranceFeed } from '../../src/sample/insurance-feed.ts';
import { decodeHeaders } from '../../src/records/headers.ts';
import { isRead } from '../../src/graph/edges.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import type { Random } from '../../src/testing/simulator/random.ts';
import claimsEnriched from '../../topologies/claims-enriched.ts';
import policyReplica from '../../topologies/policy-replica.ts';
import type { Case } from './random-topology.ts';

const RECORDS = 120;

/** One of the topologies in `topologies/`, with the beginning of a sample feed. */
export function drawExample(random: Random): Case {
  const topology = random.oneOf([claimsEnriched, policyReplica]);
  const partitions = 1 + random.below(3);
  const topics = new Set(topology.nodes.filter(isRead).map(node => node.topic.name));
  const feed = insuranceFeed({ policies: 1 + random.below(12), years: 3, seed: random.below(2 ** 31), partitions });
  const input: InputRecord[] = [];
  for (let record = feed.next(); record !== undefined && input.length < RECORDS; record = feed.next())
    if (topics.has(record.topic))
      input.push({
        topic: record.topic,
        partition: record.partition,
        timestamp: record.timestamp,
        key: Buffer.from(record.key),
        value: record.value && Buffer.from(record.value),
        headers: decodeHeaders(Buffer.from(record.headers)),
      });
  return { topology, input, partitions };
}
