import type { Aggregator, KeptSlot } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import { NO_HEADERS } from '../../records/headers.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Site } from '../chain.ts';
import { OUT } from '../counters.ts';
import { KeyView } from '../key-view.ts';
import { encode } from '../values.ts';

/** How windowed aggregates hand on their rows. Keys are windowed keys, as stores know them. */
export interface WindowOutput {
  /** A row changed with the record under way, whose headers it gets. */
  change(key: string, timestamp: number, result: unknown, old: unknown): void;
  /** A window closed, with this state: that is nobody's record. */
  final(key: string, timestamp: number, state: unknown): void;
}

export function windowOutput(node: ProcessorNode, site: Site): WindowOutput {
  const { unit, next, slots } = site;
  const { result: resultOf } = slots['aggregator'] as KeptSlot;
  const keySerde = slots['key'] as Serde<unknown>;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const view = new KeyView();

  const change: WindowOutput['change'] = (key, timestamp, result, old) => {
    const { keyView, timestamp: before } = unit;
    unit.keyView = view.ofText(key, keySerde);
    unit.timestamp = timestamp;
    values[row + OUT]!++;
    next(result, old);
    unit.keyView = keyView;
    unit.timestamp = before;
  };

  return {
    change,
    final(key, timestamp, state) {
      const { step, otherHeaders } = unit;
      unit.step = node.id;
      unit.otherHeaders = NO_HEADERS;
      change(key, timestamp, resultOf(state), null);
      unit.step = step;
      unit.otherHeaders = otherHeaders;
    },
  };
}

/** States as their stores keep them; null: the row is gone. */
export const encodeState = ({ serde }: Aggregator, state: unknown): Uint8Array | null =>
  state === null ? null : encode(serde, state, 'state');
