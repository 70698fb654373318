import type { JoinWindow, RecordContext, StoreOptions, Stream } from '../../src/index.ts';

export const METHODS = ['join', 'leftJoin', 'outerJoin'] as const;
export type JoinMethod = (typeof METHODS)[number];

type Joiner = (left: string | null, right: string | null, record: RecordContext<string>) => string;

export const both: Joiner = (left, right) => `${left}-${right}`;

/** Two streams of strings joined as step `joined`, or by another name, by the method that a test asks for. */
export function joinStreams<V extends string | null>(
  method: JoinMethod,
  left: Stream<string, V>,
  right: Stream<string, V>,
  window: JoinWindow,
  { name = 'joined', fn = both, ...options }: StoreOptions & { name?: string; fn?: Joiner } = {},
): Stream<string, string> {
  if (method === 'join') return left.join(name, right, window, fn, options);
  if (method === 'leftJoin') return left.leftJoin(name, right, window, fn, options);
  return left.outerJoin(name, right, window, fn, options);
}
