import fc from 'fast-check';
import { bufferCount, from, map, mergeMap } from 'rxjs';
import { expect, test } from 'vitest';
import { hopping, session, sliding, string, topic, topology, tumbling, within } from '../../src/index.ts';
import type { Stream, Table, Topology, Window } from '../../src/index.ts';
import type { OutputRecord } from '../../src/testing/index.ts';
import { drive } from '../drive.ts';
import { Dice, seedOf } from '../seed.ts';
import { joinStreams } from './join-streams.ts';
import type { JoinMethod } from './join-streams.ts';
import { pair } from './two-sides.ts';

// Whatever a step keeps besides its stores must follow them: where a unit fails, an epoch is aborted, a run dies.

type Texts = Stream<string, string>;
const text = topic('in', string(), string());

const windowed = (window: Window) => (stream: Texts) =>
  stream
    .groupByKey()
    .window(window)
    .reduce('texts', (a, b) => a + b)
    .toStream()
    .map((value, { key }) => `${key.start}-${key.end} ${value}`)
    .as(string())
    .keyBy('by-key', (_, { key }) => key.key, string());
const rows = (table: Table<string, string>): Texts =>
  table
    .toStream()
    .map(value => value ?? 'none')
    .as(string());
const sides = (stream: Texts) => stream.split({ l: value => value < 'm', r: () => true });
const joined = (method: JoinMethod) => (stream: Texts) => {
  const { l, r } = sides(stream);
  return joinStreams(method, l, r, within({ before: 9, after: 4 }, { grace: 5 })).as(string());
};

const STEPS: Readonly<Record<string, (stream: Texts) => Texts>> = {
  'tumbling windows': windowed(tumbling(7, { grace: 5 })),
  'final hopping windows': windowed(hopping(9, { every: 4, grace: 5, emit: 'final' })),
  'sliding windows': windowed(sliding(8, { grace: 5 })),
  'final sliding windows': windowed(sliding(8, { grace: 5, emit: 'final' })),
  'sessions': windowed(session(4, { grace: 8 })),
  'final sessions': windowed(session(4, { grace: 8, emit: 'final' })),
  'an inner join': joined('join'),
  'a left join': joined('leftJoin'),
  'an outer join': joined('outerJoin'),
  'an outer join with itself': stream => joinStreams('outerJoin', stream, stream, within(5, { grace: 5 })).as(string()),
  'a join, windows behind': stream => windowed(sliding(8, { grace: 9, emit: 'final' }))(joined('outerJoin')(stream)),
  'tables joined by several ways': stream => {
    const last = stream.toTable('last');
    const both = last.outerJoin('both', stream.groupByKey().reduce('all', (a, b) => (a + b).slice(-6)), pair).as(string());
    return rows(both.leftJoin('again', last, pair).as(string()));
  },
  'suppress': stream => rows(stream.toTable('last').suppress('held', { timeLimit: 9, maxRecords: 2 })),
  'dedupe': stream => stream.dedupe('once', { by: value => value.slice(0, 1), within: 9 }),
  'debounceTime, joined': stream => joinStreams('leftJoin', stream.debounceTime('calm', 6), stream, within(9)).as(string()),
  'bufferTime': stream => stream.bufferTime('some', 6).map(values => values.join('+')).as(string()),
}; // prettier-ignore

/** A value with `?` fails as a result, one with `!` behind the step, one with `#` there or, `spoiling`, in a pipe. */
const build = (steps: (stream: Texts) => Texts, spoiling: boolean): Topology =>
  topology('t', t => {
    const fails = (value: string, mark: string) => {
      if (value.includes(mark)) throw new Error('not this one');
      return value;
    };
    const stream = t.stream(text);
    steps(stream)
      .map(value => fails(value, '?'))
      .to(topic('out', string(), string()));
    if (spoiling)
      stream
        .pipe(
          map(one => ({ ...one, value: fails(one.value, '#') })),
          bufferCount(3),
          mergeMap(some => from(some)),
        )
        .to(topic('piped', string(), string()));
    stream
      .map(value => fails(fails(value, '!'), spoiling ? '!' : '#'))
      .to(topic('copy', string(), string()));
  }); // prettier-ignore

const inputs = fc
  .array(
    fc.record({
      key: fc.option(fc.constantFrom('', '\0', 'a', 'a\0'), { freq: 30 }),
      letter: fc.constantFrom('a', 'b', 'y', 'z'),
      mark: fc.constantFrom('', '', '', '', '?', '!', '#'),
      step: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 2 }) }, fc.nat({ max: 12 })),
      back: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 30 })),
    }),
    { minLength: 20, maxLength: 40 },
  )
  .map(drawn => {
    let now = 0;
    const fed = drawn.map(({ key, letter, mark, step, back }, index) => {
      now += step;
      return { topic: 'in', key, value: `${letter}${index}${mark}`, timestamp: Math.max(0, now - back) };
    });
    const end = { topic: 'in', key: 'a', value: 'a', timestamp: 1000 };
    return [...fed, end, { ...end, timestamp: 2000 }];
  });

const shown = ({ key, value, timestamp }: OutputRecord<unknown>): string =>
  JSON.stringify([String(key), String(value), timestamp]);

test.each(Object.keys(STEPS))('%s: one record an epoch, epochs that are aborted, stops and crashes give the same', { timeout: 60_000 }, async name => {
  const seed = seedOf(`lives of ${name}`);
  await fc.assert(
    fc.asyncProperty(inputs, fc.nat(), async (fed, diceSeed) => {
      const outcome = async (spoiling: boolean, interrupted: boolean) => {
        const dice = new Dice(diceSeed);
        await using driver = await drive(build(STEPS[name]!, spoiling), { onDrop: 'dead-letter' });
        for (let at = 0; at < fed.length;) {
          const size = spoiling ? 1 + dice.below(12) : 1;
          const some = fed.slice(at, (at += size));
          if (!interrupted || dice.below(3) > 0) await driver.pipeAll(some);
          else {
            await driver.send(...some);
            if (dice.below(2) === 0) await driver.crash();
            await driver.restart();
            await driver.idle();
          }
        }
        return { out: (await driver.read('out')).map(shown), letters: (await driver.read('t.dead-letters')).map(shown) };
      };
      const expected = await outcome(false, false);
      expect(await outcome(false, true)).toEqual(expected);
      expect(await outcome(true, false)).toEqual(expected);
      expect(await outcome(true, true)).toEqual(expected);
    }),
    { seed, numRuns: 2 },
  );
}); // prettier-ignore
