import type { ProcessorNode } from '../../graph/topology.ts';
import { NO_HEADERS } from '../../records/headers.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Site } from '../chain.ts';
import { KeyView } from '../key-view.ts';
import type { DueEntries } from '../schedule.ts';
import { decode } from '../values.ts';
import { PageReader } from './join-page.ts';
import type { JoinSide } from './join-buffer.ts';
import { bytesOfKey } from '../store-key.ts';

interface Closing {
  readonly left: JoinSide;
  readonly right: JoinSide;
  readonly emit: (left: unknown, right: unknown) => void;
}

/**
 * What a join does as time passes its records: those that nothing joined are handed on with null in the other's place, under
 * their own key, timestamp and headers; then their pages are removed. A page's records that close at one time run in one unit;
 * if one fails, it is taken out alone, and the others run again without it.
 */
export function joinClosing(node: ProcessorNode, { unit, slots }: Site, { left, right, emit }: Closing): DueEntries {
  const reader = new PageReader();
  const keyView = new KeyView();
  const keySerde = slots['key'] as Serde<unknown>;
  /** Where the record stands that is being handed on. */
  let position = 0;
  const sideOf = (pageKey: string): JoinSide => (pageKey.startsWith(left.buffer.options.mark) ? left : right);

  return {
    fire(pageKey, due) {
      const { buffer, serde, isLeft } = sideOf(pageKey);
      const page = buffer.close(pageKey, due);
      if (page === null) return;
      const before = { step: unit.step, timestamp: unit.timestamp, keyView: unit.keyView, headers: unit.otherHeaders };
      const start = buffer.startOf(pageKey);
      unit.keyView = keyView.ofText(buffer.keyOf(pageKey), keySerde);
      reader.load(page);
      while (reader.next()) {
        const timestamp = start + reader.offset;
        if (reader.isJoined || buffer.closeOf(timestamp) > due) continue;
        position = reader.at;
        unit.step = node.id;
        unit.timestamp = timestamp;
        unit.otherHeaders = reader.headers ?? NO_HEADERS;
        const value = decode(serde, reader.value, 'value');
        if (isLeft) emit(value, null);
        else emit(null, value);
      }
      unit.step = before.step;
      unit.timestamp = before.timestamp;
      unit.keyView = before.keyView;
      unit.otherHeaders = before.headers;
    },

    discard(pageKey, due) {
      const { buffer } = sideOf(pageKey);
      const page = buffer.store.get(pageKey)!;
      reader.load(page, position).next();
      buffer.settle(pageKey, position, due);
      const key = bytesOfKey(buffer.keyOf(pageKey));
      const { value, headers } = reader;
      return { key, value, timestamp: buffer.startOf(pageKey) + reader.offset, ...(headers && { headers }) };
    },

    dueOf: (pageKey, page) => sideOf(pageKey).buffer.opened(pageKey, page),
  };
}
