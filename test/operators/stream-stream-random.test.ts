import fc from 'fast-check';
import { expect, test } from 'vitest';
import { string, topic, topology, within } from '../../src/index.ts';
import { brief, drive } from '../drive.ts';
import { seedOf } from '../seed.ts';
import { joinStreams } from './join-streams.ts';
import { modelJoin } from './join-model.ts';
import type { ModelRecord, ModelWindow } from './join-model.ts';

const MODES = [
  ['inner', 'join'],
  ['left', 'leftJoin'],
  ['outer', 'outerJoin'],
] as const;
/** Later than every window: what is open closes. */
const END: ModelRecord = { side: 'left', key: 'z', value: 'lz', timestamp: 10_000 };

/** All three joins over one topic, whose order is that of its offsets; a value's first letter is its side. */
const joins = ({ beforeMs, afterMs, graceMs }: ModelWindow) =>
  topology('t', t => {
    const sides = { left: (value: string) => value.startsWith('l'), right: () => true };
    const { left, right } = t.stream(topic('in', string(), string())).split(sides);
    const window = within({ before: beforeMs, after: afterMs }, { grace: graceMs });
    for (const [mode, method] of MODES)
      joinStreams(method, left, right, window, { name: mode })
        .as(string())
        .to(topic(`out-${mode}`, string(), string()));
  });

const windows = fc.record({
  beforeMs: fc.integer({ min: 0, max: 20 }),
  afterMs: fc.integer({ min: 0, max: 20 }),
  graceMs: fc.integer({ min: 0, max: 20 }),
});

/** Time goes on by `step`; a record lies `back` behind it, so that some are out of order and some late. */
const inputs = fc
  .array(
    fc.record({
      side: fc.constantFrom('left' as const, 'right' as const),
      key: fc.option(fc.constantFrom('a', 'ab', 'b'), { freq: 20 }),
      step: fc.nat({ max: 8 }),
      back: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 50 }) }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map(drawn => {
    let now = 0;
    return drawn.map(({ side, key, step, back }, index): ModelRecord => {
      now += step;
      return { side, key, value: `${side === 'left' ? 'l' : 'r'}${index}`, timestamp: Math.max(0, now - back) };
    });
  });

/** Short values, or so long that three records fill a page; and in how many parts they come, with a restart between them. */
const ways = fc.record({ padding: fc.constantFrom('', '.'.repeat(700)), parts: fc.integer({ min: 1, max: 3 }) });

test(
  'random inputs, out of order and late, give what a list of all records would give',
  { timeout: 120_000 },
  async () => {
    const seed = seedOf('stream-stream joins');
    await fc.assert(
      fc.asyncProperty(windows, inputs, ways, async (window, drawn, { padding, parts }) => {
        const records = [...drawn, END].map(record => ({ ...record, value: record.value + padding }));
        const size = Math.ceil(records.length / parts);
        const lateIn = new Map<string, number>();
        await using driver = await drive(joins(window));
        for (let at = 0; at < records.length; at += size) {
          if (at > 0) await driver.restart();
          const part = records.slice(at, at + size);
          await driver.pipeAll(part.map(({ key, value, timestamp }) => ({ topic: 'in', key, value, timestamp })));
          for (const { step, dropped } of driver.figures().steps)
            lateIn.set(step, (lateIn.get(step) ?? 0) + (dropped['late'] ?? 0));
        }
        for (const [mode] of MODES) {
          const { results, late } = modelJoin(mode, window, records);
          expect(brief(await driver.read(`out-${mode}`))).toEqual(results);
          expect(lateIn.get(mode)).toBe(late);
        }
      }),
      { seed, numRuns: 100 },
    );
  },
);
