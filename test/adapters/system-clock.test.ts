import { expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/system-clock.ts';

test('a sleep of more than a timer of Node takes ends after a shorter one', async () => {
  const over = new AbortController();
  const month = systemClock.sleep(30 * 86_400_000, over.signal).then(() => 'a month');
  const moment = systemClock.sleep(20).then(() => 'a moment');
  expect(await Promise.race([month, moment])).toBe('a moment');
  over.abort();
  expect(await month).toBe('a month');
});
