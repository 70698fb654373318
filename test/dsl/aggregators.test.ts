import { describe, expect, test } from 'vitest';
import { compose, single } from '../../src/dsl/composed-aggregator.ts';
import { custom, reducer } from '../../src/dsl/custom-aggregator.ts';
import type { Aggregator } from '../../src/graph/functions.ts';
import { avg, cents, count, json, last, string, sum } from '../../src/index.ts';
import { serdeOf } from '../../src/serdes/index.ts';

interface Claim {
  status: string;
  paid: string;
}
const open = (paid: string): Claim => ({ status: 'OPEN', paid });
const closed = (paid: string): Claim => ({ status: 'CLOSED', paid });

const fold = <V, S, R>(aggregator: Aggregator<V, S, R>, ...values: V[]): R =>
  aggregator.result(values.reduce((state, value) => aggregator.add(state, value)!, aggregator.init()));

const exposure = () =>
  compose<Claim>({
    open: count<Claim>(claim => claim.status === 'OPEN'),
    claims: count(),
    paidCents: sum((claim: Claim) => cents(claim.paid)),
  });

describe('composed aggregators', () => {
  test('give an object of their results', () => {
    expect(fold(exposure(), open('10.00'), closed('2.50'))).toEqual({ open: 1, claims: 2, paidCents: 1250n });
  });

  test('take out what they put in, down to zeros of the same type', () => {
    const totals = exposure();
    const state = fold(totals, open('10.00'), closed('2.50'));
    const without = totals.subtract!(state, open('10.00'))!;
    expect(without).toEqual({ open: 0, claims: 1, paidCents: 250n });
    expect(totals.subtract!(without, closed('2.50'))).toEqual({ open: 0, claims: 0, paidCents: 0n });
  });

  test('leave the state they were given as it was', () => {
    const totals = exposure();
    const state = fold(totals, open('10.00'));
    totals.add(state, open('1.00'));
    expect(state).toEqual({ open: 1, claims: 1, paidCents: 1000n });
  });

  test('survive their serde', () => {
    const { serde } = exposure();
    const state = fold(exposure(), open('10.00'));
    expect(serde.decode(serde.encode(state))).toEqual(state);
    expect(serde.description).toEqual({
      type: 'aggregate',
      fields: [
        ['open', 'count'],
        ['claims', 'count'],
        ['paidCents', 'sum'],
      ],
    });
  });

  test('may have any field name', () => {
    const names = compose<string>({ "it's": count(), 'a b': count(), 'x"; throw 1; "': count() });
    expect(fold(names, 'v')).toEqual({ "it's": 1, 'a b': 1, 'x"; throw 1; "': 1 });
  });

  test('may have a field __proto__', () => {
    const hostile = compose<number>({ ['__proto__']: sum((n: number) => n), mean: avg((n: number) => n) });
    const state = hostile.serde.decode(hostile.serde.encode(hostile.add(hostile.init(), 2)!));
    const result = hostile.result(hostile.add(state, 4)!);
    expect(Object.entries(result)).toEqual([
      ['__proto__', 6],
      ['mean', 3],
    ]);
  });

  test('whose results are their states have one format for both', () => {
    const totals = exposure();
    expect(totals.resultSerde).toBe(totals.serde);
    const state = { open: 1, claims: 1, paidCents: 0n };
    const shown = totals.result(state);
    expect(shown).toEqual(state);
    // whoever changes what it is shown leaves the state as it is
    expect(shown).not.toBe(state);
  });

  test('with a result of another form have a format for it, which its description makes again', () => {
    const totals = compose<number>({ n: count(), mean: avg((n: number) => n), last: last() });
    const shown = fold(totals, 2, 3);
    const resultSerde = totals.resultSerde!;
    expect(shown).toEqual({ n: 2, mean: 2.5, last: 3 });
    expect(resultSerde.description).toEqual({
      type: 'aggregate',
      fields: [
        ['n', 'count'],
        ['mean', 'result of avg'],
        ['last', 'result of last'],
      ],
    });
    expect(serdeOf(resultSerde.description)!.decode(resultSerde.encode(shown))).toEqual(shown);
  });

  test('have no subtractor when one of them has none', () => {
    const latest = {
      kind: 'latest',
      init: () => null,
      add: (_: unknown, value: number) => value,
      merge: (_: unknown, later: number) => later,
    };
    expect(compose({ n: count(), latest })).not.toHaveProperty('subtract');
  });
});

describe('a sum', () => {
  const numbers = single(sum((value: number) => value));

  test('alone has its own serde', () => {
    const total = single(sum((value: bigint) => value));
    const state = fold(total, 2n ** 69n, 2n ** 69n);
    expect(total.serde.decode(total.serde.encode(state))).toBe(2n ** 70n);
  });

  test('of numbers past 2^53 is refused, not rounded', () => {
    expect(fold(numbers, Number.MAX_SAFE_INTEGER - 1, 1)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => fold(numbers, Number.MAX_SAFE_INTEGER, 1)).toThrow(/2\^53.*bigint/);
    expect(() => numbers.subtract!(Number.MIN_SAFE_INTEGER, 1)).toThrow(RangeError);
  });

  test('of numbers and bigints mixed is refused', () => {
    const mixed = single(sum((value: number | bigint) => value));
    expect(() => fold(mixed, 1, 1n)).toThrow(/adds numbers to bigints/);
    expect(() => fold(mixed, 1n, 1)).toThrow(/adds numbers to bigints/);
  });

  test.each([NaN, Infinity, undefined, null, '12'])('of %s is refused', value => {
    expect(() => fold(numbers, 1, value as number)).toThrow(TypeError);
    expect(() => fold(numbers, value as number)).toThrow(TypeError);
  });
});

describe('an avg', () => {
  const mean = single(avg((value: number | bigint) => value));

  test('is that of numbers, or of bigints', () => {
    expect(fold(mean, 1, 2)).toBe(1.5);
    expect(fold(mean, 1n, 2n)).toBe(1.5);
    expect(() => fold(mean, 1n, 2)).toThrow(/avg adds numbers to bigints/);
  });

  test('of nothing left is null, and what rounding left is gone', () => {
    const state = [0.1, 0.2].reduce((state, value) => mean.add(state, value), mean.init());
    const one = mean.subtract!(state, 0.1);
    expect(mean.result(one)).toBeCloseTo(0.2);
    const none = mean.subtract!(one, 0.2);
    expect(mean.result(none)).toBeNull();
    expect(none).toEqual(mean.init());
  });

  test.each([NaN, undefined, null, '12'])('of %s is refused', value => {
    expect(() => fold(mean, value as number)).toThrow(/^avg takes numbers or bigints/);
  });

  test('alone has a serde for its state and one for its result', () => {
    const state = mean.add(mean.init(), 2n ** 70n);
    expect(mean.serde.decode(mean.serde.encode(state))).toEqual(state);
    expect(mean.serde.description).toEqual({ type: 'aggregate', fields: [['value', 'avg']] });
    expect(mean.resultSerde!.description).toEqual({ type: 'aggregate', fields: [['value', 'result of avg']] });
    expect(mean.resultSerde!.decode(mean.resultSerde!.encode(1.5))).toBe(1.5);
  });
});

describe('an aggregator of one’s own', () => {
  test('may be a class with state of its own', () => {
    class Longest {
      readonly serde = string();
      readonly #none = '';
      init = () => this.#none;
      add(state: string, value: string): string {
        return value.length > state.length ? value : state + this.#none;
      }
    }
    expect(fold(custom(new Longest()), 'a', 'ccc', 'bb')).toBe('ccc');
  });

  test('shows its state where it has no result function, in the state’s serde', () => {
    const serde = json<number>();
    const bare = custom({ init: () => 0, add: (state: number, value: number) => state + value, serde });
    expect(bare.resultSerde).toBe(serde);
    const doubled = custom({
      init: () => 0,
      add: (s: number, v: number) => s + v,
      result: s => ({ double: s * 2 }),
      serde,
    });
    expect(fold(doubled, 2, 3)).toEqual({ double: 10 });
    expect(doubled.resultSerde).toBeUndefined();
  });
});

test('a reducer starts with the first value', () => {
  const joined = reducer<string>((a, b) => a + b, undefined, string());
  expect(fold(joined, 'a', 'b', 'c')).toBe('abc');
  expect(joined).not.toHaveProperty('subtract');
});
