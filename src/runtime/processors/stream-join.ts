import type { ProcessorNode } from '../../graph/topology.ts';
import { NO_HEADERS } from '../../records/headers.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Compiled, Site, Step } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { decode, defined, encode } from '../values.ts';
import { JoinBuffer } from './join-buffer.ts';
import type { JoinSide } from './join-buffer.ts';
import { joinClosing } from './join-closing.ts';
import { Matches } from './join-matches.ts';
import { PageReader } from './join-page.ts';

/**
 * Records of two streams with equal keys whose timestamps lie within the window. What arrives first waits in its side's buffer
 * until stream time is past its window and grace (`streamTime > ts + after + grace` for left records, `ts + before + grace` for
 * right ones); what left and outer joins report without a partner is handed on then (KIP-633), and a record that comes after
 * its own close is dropped, where Kafka Streams would still join it. Null keys have no partner and are reported at once
 * (KIP-962).
 */
export function streamJoin(node: ProcessorNode, site: Site): Compiled {
  const [left, right] = sidesOf(node, site, (due, pageKey) => schedule.add(due, pageKey));
  const { unit, next } = site;
  const { fn } = site.slots;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const emit = (leftValue: unknown, rightValue: unknown): void => {
    unit.step = node.id;
    const result: unknown = defined(fn(leftValue, rightValue, unit));
    values[row + OUT]!++;
    next(result, null);
  };
  const closing = joinClosing(node, site, { left, right, emit });
  const schedule = site.schedule(node.stores[0]!.name, closing);

  const matches = new Matches();
  const reader = new PageReader();
  const drops = { nullKey: site.drop('null-key'), nullValue: site.drop('null-value'), late: site.drop('late') };
  const isSelfJoin = node.inputs[0] === node.inputs[1];
  /** Of a self join: the record under way took no part as the left one. */
  let isDroppedLeft = false;

  const sideStep = (side: JoinSide, other: JoinSide): Step => {
    const { isLeft, buffer, serde, backMs, aheadMs } = side;
    const { reportsUnmatched, closesAfterMs } = buffer.options;
    const otherClosesAfterMs = other.buffer.options.closesAfterMs;
    const countsIn = isLeft || !isSelfJoin;
    const keepsHeaders = isLeft || reportsUnmatched;
    // both sides of a self join see the record: it counts as dropped where neither takes it
    const drop = (count: () => void): void => {
      if (isSelfJoin && isLeft) isDroppedLeft = true;
      else if (!isSelfJoin || isDroppedLeft) count();
    };

    return value => {
      if (countsIn) values[row + IN]!++;
      if (isLeft) isDroppedLeft = false;
      const { timestamp } = unit;
      unit.step = node.id;
      schedule.advance(timestamp);
      const { now } = schedule;
      if (value === null) return drop(drops.nullValue);
      const key = unit.storeKey;
      if (key === null) {
        if (!reportsUnmatched) return drop(drops.nullKey);
        return isLeft ? emit(value, null) : emit(null, value);
      }
      if (now > timestamp + closesAfterMs) return drop(drops.late);
      matches.clear();
      const from = Math.max(0, timestamp - backMs, now - otherClosesAfterMs);
      other.buffer.find(key, from, Math.min(now, timestamp + aheadMs), matches);
      const { headerBytes } = unit;
      const headers = keepsHeaders && headerBytes.length > 1 ? headerBytes : null;
      buffer.append(key, timestamp, encode(serde, value, 'value'), headers, matches.count > 0);
      if (matches.count > 0) hand(value, isLeft, other.serde);
    };
  };

  /** The results of the record under way, one for each match. */
  const hand = (value: unknown, isLeft: boolean, otherSerde: Serde<unknown>): void => {
    const { timestamp, otherHeaders } = unit;
    for (let index = 0; index < matches.count; index++) {
      unit.step = node.id;
      matches.read(index, reader);
      const partner = decode(otherSerde, reader.value, 'value');
      unit.timestamp = Math.max(timestamp, matches.timeOf(index));
      if (isLeft) emit(value, partner);
      else {
        unit.otherHeaders = reader.headers ?? NO_HEADERS;
        emit(partner, value);
      }
    }
    unit.timestamp = timestamp;
    unit.otherHeaders = otherHeaders;
  };

  return {
    steps: [sideStep(left, right), sideStep(right, left)],
    // the schedule is made from the left store alone, which keeps its time too
    opened: async entriesOf => {
      for await (const [pageKey, page] of entriesOf(node.stores[1]!.name)) {
        const due = right.buffer.opened(pageKey, page);
        if (due !== null) schedule.add(due, pageKey);
      }
    },
    closing: () => {
      left.buffer.closing();
      right.buffer.closing();
    },
    aborted: () => {
      left.buffer.aborted();
      right.buffer.aborted();
    },
  };
}

function sidesOf(
  node: ProcessorNode,
  site: Site,
  schedule: (due: number, pageKey: string) => void,
): [left: JoinSide, right: JoinSide] {
  const { beforeMs, afterMs, graceMs, bucketMs } = node.options as Readonly<Record<string, number>>;
  const sideOf = (isLeft: boolean, backMs: number, aheadMs: number): JoinSide => {
    const options = {
      // of what falls due at one time, the right side comes first, as in Kafka Streams
      mark: isLeft ? '\x01' : '\0',
      bucketMs: bucketMs!,
      closesAfterMs: aheadMs + graceMs!,
      reportsUnmatched: node.options[isLeft ? 'left' : 'right'] === true,
      schedule,
    };
    const buffer = new JoinBuffer(site.store(node.stores[isLeft ? 0 : 1]!.name), options);
    const serde = site.slots[isLeft ? 'left' : 'right'] as Serde<unknown>;
    return { isLeft, buffer, serde, backMs, aheadMs };
  };
  return [sideOf(true, beforeMs!, afterMs!), sideOf(false, afterMs!, beforeMs!)];
}
