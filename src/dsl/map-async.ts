import type { RecordContext } from '../graph/functions.ts';
import { checkFunction, checkOptions, checkWhole, placeOf, STORE_OPTIONS } from './arguments.ts';
import { milliseconds, positiveMilliseconds } from './duration.ts';
import type { Duration } from './duration.ts';
import type { Flow, StoreOptions } from './flow.ts';
import type { ErrorOptions } from './on-error.ts';
import { processorStep, valueMissing } from './steps.ts';

/** What an asynchronous function sees of its record and its call. */
export interface CallContext<K> extends Pick<RecordContext<K>, 'key' | 'timestamp' | 'headers'> {
  /** Aborts at the timeout, and when nobody waits for the result any more: hand it on to what is called. */
  readonly signal: AbortSignal;
  /** 1, then 2 for the first retry. A call that a restart makes again begins at 1. */
  readonly attempt: number;
}

export interface MapAsyncOptions<K = unknown, V = unknown, R = never>
  extends Omit<StoreOptions, 'onError'>, ErrorOptions<K, V, R> {
  /** Calls under way at once, a task. Default 16. */
  readonly concurrency?: number;
  /**
   * `key` (default): one call at a time for each key, in order. `partition`: calls overlap, results come in the order of the
   * records. `none`: results come as they are there. A record without a key waits for none with `key`, which alone needs
   * equal keys in one partition.
   */
  readonly order?: 'key' | 'partition' | 'none';
  /** How long an attempt may take; it has failed then. Default: as long as it likes. */
  readonly timeout?: Duration;
  /**
   * How often a call that failed is tried again. Before the first retry it waits for `backoff` (default 100 ms), before each
   * further one twice as long, 30 s at most; other calls go on meanwhile, as far as the order lets them.
   */
  readonly retry?: { readonly times: number; readonly backoff?: Duration };
}

/** Entries are numbered, in the order the records came in. */
const NUMBERS = { description: { type: 'bytes' } } as const;
const ORDERS: readonly unknown[] = ['key', 'partition', 'none'];

export function mapAsyncStep(
  flow: Flow,
  name: string,
  fn: unknown,
  options: MapAsyncOptions<never, never, unknown>,
): Flow {
  const place = placeOf(flow, name);
  checkFunction(flow, name, fn);
  checkOptions(`'${name}'`, options, ['concurrency', 'order', 'timeout', 'retry', ...STORE_OPTIONS], place);
  checkOptions(`retry of '${name}'`, options.retry, ['times', 'backoff'], place);
  const { concurrency = 16, order = 'key', timeout, retry = { times: 0 }, ...storeOptions } = options;
  const { value } = flow;
  if (value === undefined) throw valueMissing(flow, name, `.as(serde).mapAsync('${name}', …)`);
  checkWhole(`concurrency of '${name}'`, concurrency, 1, place);
  checkWhole(`retry.times of '${name}'`, retry.times, 0, place);
  if (!ORDERS.includes(order))
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `the order of '${name}' is ${JSON.stringify(order)}: it is 'key', 'partition' or 'none'.`,
      name,
    );
  if (typeof options.onError === 'object')
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `the onError of '${name}' retries: its calls are tried again with the option retry, while others go on.`,
      name,
    );
  // its entries hold keys
  flow.key.need(name, flow.draft.name);
  return processorStep(flow, name, {
    processor: 'mapAsync',
    what: 'a mapAsync',
    table: false,
    anyPartition: order !== 'key',
    slots: () => ({ fn, key: flow.key.serde, value }),
    options: {
      concurrency,
      order,
      timeoutMs: timeout === undefined ? 0 : positiveMilliseconds(timeout, `the timeout of '${name}'`, place),
      retries: retry.times,
      backoffMs: milliseconds(retry.backoff ?? 100, `the backoff of '${name}'`, place),
    },
    stores: [{ key: () => NUMBERS, value: { description: { type: 'waiting', of: value.description } } }],
    storeOptions,
  });
}
