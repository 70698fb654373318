import type { Aggregator } from '../graph/functions.ts';
import { windowed } from '../serdes/windowed.ts';
import type { Flow } from './flow.ts';
import type { ProcessorSpec, StoreSpec } from './steps.ts';
import { StreamKey } from './stream-key.ts';
import type { Window } from './window.ts';

type AnyAggregator = Aggregator<unknown, unknown, unknown>;

interface WindowedSpec extends Pick<ProcessorSpec, 'processor' | 'options'> {
  readonly stores: readonly StoreSpec[];
  /** Of its rows. */
  readonly key: StreamKey;
}

/**
 * What makes an aggregate one of windows.
 * @throws TopologyError where sessions could not be brought together
 */
export function windowedSpec(flow: Flow, name: string, window: Window, aggregator: AnyAggregator): WindowedSpec {
  const { processor, options } = window;
  if (processor === 'sessionWindow' && aggregator.merge === undefined)
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `aggregate '${name}' is on sessions, two of which become one when a record comes between them: its aggregator needs a ` +
        `'merge' that makes one state of two, (earlier, later) => state.`,
      name,
    );
  const key = StreamKey.derived(flow.key, `the windows of '${name}'`, windowed);
  if (processor === 'timeWindow') {
    const stores = [{ value: aggregator.serde, key: () => key.serde! }];
    return { processor, options, key, stores };
  }
  return {
    processor,
    options,
    key,
    stores: [keptWindows(flow, options['differenceMs'] as number | undefined, aggregator)],
  };
}

/** Several windows in one value: a key's open sessions, or its sliding windows that start in one stretch of time. */
function keptWindows({ key }: Flow, differenceMs: number | undefined, { serde }: AnyAggregator): StoreSpec {
  return {
    key: () => ({
      description: {
        type: 'windows-key',
        of: key.serde!.description,
        ...(differenceMs !== undefined && { stretchMs: differenceMs }),
      },
    }),
    value: { description: { type: 'windows', of: serde.description } },
  };
}

/** For callers without types. */
export function checkWindow<W extends Window>({ draft }: Flow, window: W): W {
  if (typeof (window as Partial<Window> | undefined)?.processor === 'string') return window;
  throw draft.error(
    'TOPO_GRAPH_INVALID',
    `window(…) takes a window: .window(tumbling('1 h')), or hopping, sliding, session.`,
  );
}
