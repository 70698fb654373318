import type { Observable, OperatorFunction, SchedulerLike } from 'rxjs';
import type { RecordContext } from '../graph/functions.ts';
import { checkFunction } from './arguments.ts';
import type { Flow } from './flow.ts';
import type { Stream } from './stream.ts';

/** A record as the operators of a `pipe` get it. */
export interface StreamRecord<K, V> {
  readonly key: K;
  readonly value: V;
  /** Event time, ms since 1970. */
  readonly timestamp: number;
  readonly headers: RecordContext['headers'];
}

/**
 * A record as the operators of a `pipe` hand it on. Without a timestamp it has that of the record that went in last; without
 * headers, those of the record under way, or none where it is emitted later.
 */
export interface PipedRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly timestamp?: number;
  readonly headers?: RecordContext['headers'];
}

/** What a function that makes an operator may use. */
export interface PipeContext {
  /** The task's clock: virtual in tests. */
  readonly scheduler: SchedulerLike;
}

/** An RxJS operator, or a function of the context that returns one: `({ scheduler }) => bufferTime(1000, scheduler)`. */
export type PipeOperator<A, B> = (source: Observable<A> & PipeContext) => Observable<B> | OperatorFunction<A, B>;

type In<K, V, A> = PipeOperator<StreamRecord<K, V>, A>;
type Out<A, K, W> = PipeOperator<A, PipedRecord<K, W>>;

/** One to eight operators, the last of which emits records under the stream's type of key. */
export interface Pipe<K, V> {
  <W>(a: In<K, V, PipedRecord<K, W>>): Stream<K, W>;
  <W, A>(a: In<K, V, A>, b: Out<A, K, W>): Stream<K, W>;
  <W, A, B>(a: In<K, V, A>, b: PipeOperator<A, B>, c: Out<B, K, W>): Stream<K, W>;
  <W, A, B, C>(a: In<K, V, A>, b: PipeOperator<A, B>, c: PipeOperator<B, C>, d: Out<C, K, W>): Stream<K, W>;
  <W, A, B, C, D>(
    a: In<K, V, A>,
    b: PipeOperator<A, B>,
    c: PipeOperator<B, C>,
    d: PipeOperator<C, D>,
    e: Out<D, K, W>,
  ): Stream<K, W>;
  <W, A, B, C, D, E>(
    a: In<K, V, A>,
    b: PipeOperator<A, B>,
    c: PipeOperator<B, C>,
    d: PipeOperator<C, D>,
    e: PipeOperator<D, E>,
    f: Out<E, K, W>,
  ): Stream<K, W>;
  <W, A, B, C, D, E, F>(
    a: In<K, V, A>,
    b: PipeOperator<A, B>,
    c: PipeOperator<B, C>,
    d: PipeOperator<C, D>,
    e: PipeOperator<D, E>,
    f: PipeOperator<E, F>,
    g: Out<F, K, W>,
  ): Stream<K, W>;
  <W, A, B, C, D, E, F, G>(
    a: In<K, V, A>,
    b: PipeOperator<A, B>,
    c: PipeOperator<B, C>,
    d: PipeOperator<C, D>,
    e: PipeOperator<D, E>,
    f: PipeOperator<E, F>,
    g: PipeOperator<F, G>,
    h: Out<G, K, W>,
  ): Stream<K, W>;
}

export function pipeStep(flow: Flow, operators: readonly unknown[]): Flow {
  if (operators.length === 0)
    throw flow.draft.error('TOPO_GRAPH_INVALID', `a pipe without operators: give it at least one.`, 'pipe');
  for (const operator of operators) checkFunction(flow, 'pipe', operator);
  const step = flow.draft.add({
    name: 'pipe',
    durable: false,
    what: 'a pipe',
    inputs: [flow.step],
    node: common => ({ ...common, kind: 'rx' }),
    slots: () => ({ operators, ...(flow.key.serde && { key: flow.key.serde }) }),
  });
  return { draft: flow.draft, step, key: flow.key, value: undefined };
}
