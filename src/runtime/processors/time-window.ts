import type { Aggregator } from '../../graph/functions.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import { endOf, windowText } from '../../serdes/windowed.ts';
import type { Compiled, Site } from '../chain.ts';
import { KeyView } from '../key-view.ts';
import { streamAggregate, updater } from './aggregate.ts';
import { statesIn } from './states.ts';
import { windowOutput } from './window-output.ts';
import { bytesOfKey } from '../store-key.ts';

interface TimeWindowOptions {
  readonly sizeMs: number;
  /** A window begins each so many ms from 1970 on; of tumbling ones their size. */
  readonly everyMs: number;
  readonly graceMs: number;
  readonly emit: 'update' | 'final';
}

/** Windows whose text is kept, most of all those that records are in now. */
const TEXTS = 16;

/**
 * An aggregate a key and window [start, start + size), a window each `everyMs`. A window is closed when stream time reaches its
 * end + grace: its row is removed, with `final` handed on then and only then. A record may be late for one of its windows and on
 * time for another.
 */
export function timeWindow(node: ProcessorNode, site: Site): Compiled {
  const { unit } = site;
  const { sizeMs, everyMs, graceMs, emit } = node.options as unknown as TimeWindowOptions;
  const keySerde = site.slots['key'] as Serde<unknown>;
  const store = site.store(node.stores[0]!.name);
  const late = site.drop('late');
  const states = statesIn(store, site.slots['aggregator'] as Aggregator);
  const output = windowOutput(node, site);
  const textOf = windowTexts(sizeMs, everyMs);
  const view = new KeyView();

  const schedule = site.schedule(node.stores[0]!.name, {
    fire(key) {
      const state = states.get(key);
      if (state === null) return;
      const { timestamp } = states;
      store.put(key, null, timestamp);
      if (emit === 'final') output.final(key, timestamp, state);
    },
    discard(key) {
      const value = store.get(key);
      const { timestamp } = store;
      store.put(key, null, timestamp);
      return { key: bytesOfKey(key), value, timestamp };
    },
    dueOf: key => endOf(key) + graceMs,
  });

  return streamAggregate(node, site, aggregator => {
    const update = updater(node, site, aggregator);
    return (key, value) => {
      const { timestamp, keyView } = unit;
      schedule.advance(timestamp);
      let taken = 0;
      let refused = 0;
      const earliest = Math.max(0, timestamp - sizeMs + everyMs);
      for (let start = earliest - (earliest % everyMs); start <= timestamp; start += everyMs) {
        const due = start + sizeMs + graceMs;
        if (due <= schedule.now) {
          refused++;
          continue;
        }
        taken++;
        const windowKey = key + textOf(start);
        if (!store.has(windowKey)) schedule.add(due, windowKey);
        unit.keyView = view.ofText(windowKey, keySerde);
        update(windowKey, null, value);
      }
      unit.keyView = keyView;
      if (refused > 0) late(refused, taken === 0);
    };
  });
}

/** What stands behind a key in the window that begins at a time, made once for many records. */
function windowTexts(sizeMs: number, everyMs: number): (start: number) => string {
  const starts = new Float64Array(TEXTS).fill(-1);
  const texts = new Array<string>(TEXTS).fill('');
  return start => {
    const at = (start / everyMs) % TEXTS;
    if (starts[at] !== start) {
      starts[at] = start;
      texts[at] = windowText(start, start + sizeMs);
    }
    return texts[at]!;
  };
}
