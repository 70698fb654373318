import { describe, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { answer, subscription } from '../../src/serdes/foreign-key.ts';

const text = { type: 'string' } as const;
const [asked, answered] = [subscription(text, text), answer(text, text)];
const hex = (bytes: string): Buffer => Buffer.from(bytes.replaceAll(' ', ''), 'hex');
const VERSION = '3ff0000000000000';

describe('a message of a foreign-key join', () => {
  test('comes back', () => {
    const key = Buffer.from('k');
    for (const left of [null, Buffer.alloc(0), Buffer.from('left')]) {
      const value = { key, version: 7, left, wasReferring: true, moved: false };
      expect(asked.decode(asked.encode(value))).toEqual(value);
      expect(answered.decode(answered.encode({ version: 7, left: key, right: left, moved: true }))).toEqual({
        version: 7,
        left: key,
        right: left,
        moved: true,
      });
    }
  });

  test.each([
    ['with flags that there are not', `08 ${VERSION} 00000001 6b`],
    ['with a version that is none', '00 7ff8000000000000 00000001 6b'],
    ['that ends early', `00 ${VERSION} 00000002 6b`],
    ['with a length that lies', `00 ${VERSION} ffffffff 6b`],
    ['with something behind its end', `00 ${VERSION} 00000001 6b 6b`],
  ])('%s does not decode', (_, bytes) => {
    for (const serde of [asked, answered]) expect(() => serde.decode(hex(bytes))).toThrow(RecordError);
  });

  test('an answer does not say whether the row referred to something', () => {
    expect(asked.decode(hex(`04 ${VERSION} 00000001 6b`)).wasReferring).toBe(true);
    expect(() => answered.decode(hex(`04 ${VERSION} 00000001 6b`))).toThrow(RecordError);
  });
});
