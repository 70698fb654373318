import { describe, expect, test } from 'vitest';
import { json, string, topic, topology, TopologyError, within } from '../../src/index.ts';
import type { JoinWindow, Stream, Topology } from '../../src/index.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), json<{ id: string }>());
const fn = () => '';

const built = (build: (l: Stream<string, string>, r: Stream<string, { id: string }>) => void): Topology =>
  topology('app', t => build(t.stream(left), t.stream(right)));

const nodeOf = ({ nodes }: Topology) => nodes.find(node => node.id === 'pairs');

describe('a join of two streams', () => {
  test('is a processor of two inputs and two stores', () => {
    const window = within({ before: '2 s', after: '1 s' }, { grace: 500 });
    expect(
      nodeOf(built((l, r) => l.leftJoin('pairs', r, window, fn, { onDrop: 'dead-letter', renamedFrom: 'old' }))),
    ).toEqual({
      id: 'pairs',
      kind: 'processor',
      processor: 'streamJoin',
      table: false,
      inputs: ['values', 'values-2'],
      tables: [],
      onDrop: 'dead-letter',
      options: { left: true, right: false, beforeMs: 2000, afterMs: 1000, graceMs: 500, bucketMs: 4096 },
      stores: [
        {
          name: 'pairs-left',
          renamedFrom: 'old-left',
          key: { type: 'join-key', of: { type: 'string' }, bucketMs: 4096 },
          value: { type: 'join-page', of: { type: 'string' } },
        },
        {
          name: 'pairs-right',
          renamedFrom: 'old-right',
          key: { type: 'join-key', of: { type: 'string' }, bucketMs: 4096 },
          value: { type: 'join-page', of: { type: 'json' } },
        },
      ],
    });
  });

  test('of a stream with itself reads it once and sees it on both sides', () => {
    expect(nodeOf(built(l => l.join('pairs', l, within(1), fn)))).toMatchObject({ inputs: ['values', 'values'] });
  });

  test('keeps the values of both sides, so both must say how they are written', () => {
    expect(() => built((l, r) => l.map(value => value.length).join('pairs', r, within(1), fn))).toThrow(
      "step 'pairs' keeps values of 'map', and nothing says how they are written. Declare it: .as(serde).join('pairs', …).",
    );
    expect(() => built((l, r) => l.outerJoin('pairs', r.map(({ id }) => id), within(1), fn))).toThrow(
      "step 'pairs' keeps values of 'map', and nothing says how they are written. Declare it: .outerJoin('pairs', right.as(serde), …).",
    ); // prettier-ignore
    built((l, r) => l.map(value => value.length).as(json<number>()).join('pairs', r, within(1), fn)); // prettier-ignore
  });

  test('does not know how its results are written', () => {
    expect(() => built((l, r) => l.join('pairs', r, within(1), fn).toTable('rows'))).toThrow(/keeps values of 'pairs'/);
  });

  test('is told to take a window where types were not checked', () => {
    expect(() => built((l, r) => l.join('pairs', r, fn as unknown as JoinWindow, fn))).toThrow(
      "'pairs' joins two streams, which takes a window: join('pairs', right, within('10 s'), (left, right) => …).",
    );
  });
});

describe('within', () => {
  test('reaches as far before as after, unless told otherwise; grace is none by default', () => {
    expect(within('10 s')).toEqual({ beforeMs: 10_000, afterMs: 10_000, graceMs: 0 });
    expect(within({ before: 0, after: '1 min' }, { grace: 5 })).toEqual({ beforeMs: 0, afterMs: 60_000, graceMs: 5 });
  });

  test('refuses what is no duration', () => {
    expect(() => within(-1)).toThrow(TopologyError);
    expect(() => within('10 sec' as '10 s')).toThrow(/^within: the difference is "10 sec"/);
    expect(() => within({ before: -1, after: 1 })).toThrow(/^within: 'before' is -1/);
    expect(() => within(1, { grace: '1 sec' as '1 s' })).toThrow(/^within: 'grace' is "1 sec"/);
  });
});
