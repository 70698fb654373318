import { describe, expect, it } from 'vitest';
import { didYouMean, nearNames } from '../../src/cli/near-names.ts';

describe('near names', () => {
  const names = ['claims.enriched', 'claims.by-policy', 'policies', 'x'];

  it.each([
    ['claim.enriched', ['claims.enriched']],
    ['calims.enriched', ['claims.enriched']],
    ['CLAIMS.ENRICHED', ['claims.enriched']],
    ['enriched', ['claims.enriched']],
    ['premiums', []],
  ])('%s', (wanted, near) => expect(nearNames(wanted, names)).toEqual(near));

  it('are told in a sentence', () => {
    expect(didYouMean([])).toBe('');
    expect(didYouMean(['a'])).toBe(' Did you mean a?');
    expect(didYouMean(['a', 'b', 'c'])).toBe(' Did you mean a, b or c?');
  });
});
