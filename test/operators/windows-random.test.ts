import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hopping, json, session, sliding, string, topic, topology, tumbling, windowed } from '../../src/index.ts';
import type { Window, Windowed } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { seedOf } from '../seed.ts';
import { sessions, slidingWindows, timeWindows } from './window-model.ts';
import type { Fed, Outcome } from './window-model.ts';

const END_MS = 100_000;

/** Time goes on by `step`; a record lies `back` behind it. The last two, under other keys, close what is open. */
const feeds = (back: fc.Arbitrary<number>) =>
  fc
    .array(
      fc.record({
        key: fc.option(fc.constantFrom('a', 'ab', 'b'), { freq: 20 }),
        isNull: fc.nat({ max: 19 }),
        step: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 6 }) }, { weight: 1, arbitrary: fc.nat({ max: 60 }) }),
        back: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: back }),
      }),
      { minLength: 1, maxLength: 50 },
    )
    .map(drawn => {
      let now = 0;
      const fed = drawn.map(({ key, isNull, step, back: by }, index): Fed => {
        // what has no key or value moves no time
        if (key !== null && isNull !== 0) now += step;
        return { key, value: isNull === 0 ? null : String(index), timestamp: Math.max(0, now - by) };
      });
      return [...fed, { key: 'z', value: 'z', timestamp: END_MS }];
    });

const rows = topic('out', windowed(string()), json<string>());
const input = topic('in', string(), string());
const run = (window: Window) =>
  topology('t', t =>
    t
      .stream(input, { tombstones: true })
      .groupByKey()
      .window(window)
      .reduce('texts', (state, value) => `${state}+${value}`)
      .as(json<string>())
      .to(rows),
  );

/** What comes out, fed in one go or with a restart in the middle. */
async function found(window: Window, fed: readonly Fed[], restartAt: number) {
  await using driver = await drive(run(window));
  const inputs = fed.map(one => ({ topic: 'in', ...one }));
  let late = 0;
  const count = () => (late += driver.figures().dropped.late ?? 0);
  await driver.pipeAll(inputs.slice(0, restartAt));
  count();
  await driver.restart();
  await driver.pipeAll(inputs.slice(restartAt));
  count();
  const records = await driver.read<Windowed<string>, string>('out');
  const texts = records.map(({ key, value, timestamp }) => [`${key!.key}[${key!.start},${key!.end}]`, `${value}@${timestamp}`] as const);
  return { texts: texts.filter(([name]) => !name.startsWith('z')), late };
} // prettier-ignore

const seed = seedOf('windows');
const runs = { seed, numRuns: 60 };
const sizes = fc.integer({ min: 1, max: 20 });
const graces = fc.integer({ min: 0, max: 20 });
const anyBack = fc.nat({ max: 60 });
const restarts = fc.nat({ max: 50 });

const withoutLast = (all: readonly string[]) => all.filter(text => !text.startsWith('z'));

/** Each row once, at its close, in order; or the last update of each. */
async function agrees(windowOf: (emit: 'final' | 'update') => Window, fed: readonly Fed[], restartAt: number, expected: Outcome) {
  const final = await found(windowOf('final'), fed, restartAt);
  expect(final.texts.map(parts => parts.join('='))).toEqual(withoutLast(expected.final));
  expect(final.late).toBe(expected.late);
  const updates = await found(windowOf('update'), fed, restartAt);
  const latest = new Map(updates.texts);
  const retracted = [...latest].flatMap(([name, value]) => (value.startsWith('null@') ? [name] : []));
  expect(new Set(retracted)).toEqual(expected.retracted);
  for (const name of retracted) latest.delete(name);
  expect(Object.fromEntries(latest)).toEqual(Object.fromEntries([...expected.latest].filter(([name]) => !name.startsWith('z'))));
  expect(updates.late).toBe(expected.late);
} // prettier-ignore

describe('windows of random records give what a list of all records would give', { timeout: 120_000 }, () => {
  test('tumbling', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, graces, feeds(anyBack), restarts, async (sizeMs, graceMs, fed, restartAt) => {
        const expected = timeWindows(fed, { sizeMs, everyMs: sizeMs, graceMs });
        await agrees(emit => tumbling(sizeMs, { grace: graceMs, emit }), fed, restartAt, expected);
      }),
      runs,
    );
  });

  test('hopping', async () => {
    const hops = sizes.chain(sizeMs => fc.tuple(fc.constant(sizeMs), fc.integer({ min: 1, max: sizeMs })));
    await fc.assert(
      fc.asyncProperty(hops, graces, feeds(anyBack), restarts, async ([sizeMs, everyMs], graceMs, fed, restartAt) => {
        const expected = timeWindows(fed, { sizeMs, everyMs, graceMs });
        await agrees(emit => hopping(sizeMs, { every: everyMs, grace: graceMs, emit }), fed, restartAt, expected);
      }),
      runs,
    );
  });

  test('session', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, graces, feeds(anyBack), restarts, async (gapMs, graceMs, fed, restartAt) => {
        const expected = sessions(fed, gapMs, graceMs);
        await agrees(emit => session(gapMs, { grace: graceMs, emit }), fed, restartAt, expected);
      }),
      runs,
    );
  });

  test('sliding, of records that are late for none of their windows', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, feeds(fc.nat({ max: 20 })), restarts, async (differenceMs, fed, restartAt) => {
        const expected = slidingWindows(fed, differenceMs, 20);
        await agrees(emit => sliding(differenceMs, { grace: 20, emit }), fed, restartAt, expected);
      }),
      runs,
    );
  });
});
