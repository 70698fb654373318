import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sliding, string, topic, topology } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { seedOf } from '../seed.ts';
import { readWindows, windowRows } from '../windowed-records.ts';

const input = topic('in', string(), string());
/** So long that no record is late. */
const GRACE_MS = 10_000;
const END_MS = 100_000;

/** Close to one another and further apart; a time may come twice. */
const times = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 60 })), { minLength: 1, maxLength: 25 });

/** The windows around the times, each with what lies in it, as they come; none begins before 1970. */
function naive(all: readonly { readonly value: string; readonly timestamp: number }[], differenceMs: number): string[] {
  const windows = new Set<string>();
  for (const { timestamp } of all)
    for (const start of [Math.max(0, timestamp - differenceMs), timestamp + 1]) {
      const inside = all.filter(one => one.timestamp >= start && one.timestamp <= start + differenceMs);
      const last = Math.max(...inside.map(one => one.timestamp));
      const text = inside.map(({ value }) => value).join('+');
      if (inside.length > 0) windows.add(`k[${start},${start + differenceMs}]=${text}@${last}`);
    }
  return [...windows].sort();
}

test.each(['update', 'final'] as const)('sliding windows (%s) hold what lies between their ends, in whatever order it comes', async emit => {
  const seed = seedOf(`sliding windows (${emit})`);
  await fc.assert(
    fc.asyncProperty(times, fc.nat({ max: 14 }), fc.nat({ max: 24 }), async (drawn, differenceMs, restartAt) => {
      const window = sliding(differenceMs, { grace: GRACE_MS, emit });
      await using driver = await drive(
        topology('t', t => t.stream(input).groupByKey().window(window).reduce('texts', (a, b) => `${a}+${b}`).to(windowRows)),
      );
      const fed = drawn.map((timestamp, index) => ({ topic: 'in', key: 'k', value: `v${index}`, timestamp }));
      await driver.pipeAll(fed.slice(0, restartAt));
      await driver.restart();
      await driver.pipeAll(fed.slice(restartAt));
      await driver.pipe({ topic: 'in', key: 'z', value: 'z', timestamp: END_MS });
      const found = (await readWindows(driver)).filter(text => text.startsWith('k'));
      // of updates, the last of each window
      const last = new Map(found.map(text => [text.slice(0, text.indexOf('=')), text]));
      if (emit === 'final') expect(found).toHaveLength(last.size);
      expect([...last.values()].sort()).toEqual(naive(fed, differenceMs));
    }),
    { seed, numRuns: 40 },
  );
}); // prettier-ignore
