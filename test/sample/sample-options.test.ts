import { expect, test } from 'vitest';
import { TopologyError } from '../../src/errors.ts';
import { DEFAULT_SAMPLE, parseSampleOptions, sampleText } from '../../src/sample/sample-options.ts';

test('what is left out has its default', () => {
  expect(parseSampleOptions('')).toEqual({ policies: 20_000, years: 5, seed: 1 });
  expect(parseSampleOptions('years=2')).toEqual({ policies: 20_000, years: 2, seed: 1 });
  expect(parseSampleOptions(' seed = 0 , policies=10')).toEqual({ policies: 10, years: 5, seed: 0 });
});

test('options are read as they are written', () => {
  expect(parseSampleOptions(sampleText(DEFAULT_SAMPLE))).toEqual(DEFAULT_SAMPLE);
});

test.each([
  ['policy=3', "no option 'policy': it takes policies, years and seed"],
  ['constructor=3', "no option 'constructor'"],
  ['policies', "'policies' takes a whole number from 1 to 1000000, not ''"],
  ['policies=', 'from 1 to 1000000'],
  ['policies=0', "not '0'"],
  ['policies=1e3', "not '1e3'"],
  ['policies=1000001', 'from 1 to 1000000'],
  ['years=-1', "'years' takes a whole number from 1 to 50"],
  ['years=2.5', 'from 1 to 50'],
  ['seed=4294967296', "'seed' takes a whole number from 0 to 4294967295"],
  ['seed=1,seed=2', "'seed' is given twice"],
])('%s is refused', (text, message) => {
  const parse = (): unknown => parseSampleOptions(text);
  expect(parse).toThrow(TopologyError);
  expect(parse).toThrow(message);
  expect(parse).toThrow(expect.objectContaining({ code: 'TOPO_USAGE' }));
});
