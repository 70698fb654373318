import { expect, test } from 'vitest';
import { recordJsonLine, recordLine } from '../../src/cli/record-text.ts';
import { styleFor } from '../../src/cli/style.ts';
import { json, string } from '../../src/serdes/index.ts';

const known = {
  key: { description: string().description, serde: string() },
  value: { description: json().description, serde: json() },
};
const recordOf = (value: string) => ({
  topic: 't',
  partition: 0,
  offset: 7,
  timestamp: 1,
  key: Buffer.from('k'),
  value: Buffer.from(value),
  headers: [],
});

test('a value that is nested too deeply to be shown is shown as the text it is', () => {
  for (const depth of [100, 2500, 100_000])
    for (const value of ['['.repeat(depth) + ']'.repeat(depth), '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)]) {
      const isShown = depth < 1000;
      const line = JSON.parse(recordJsonLine(recordOf(value), known)) as { value: unknown };
      expect(typeof line.value).toBe(isShown ? 'object' : 'string');
      expect(recordLine(recordOf(value), known, styleFor({})).includes('does not decode')).toBe(!isShown);
    }
});
