import { expect, test } from 'vitest';
import { parseExposition, sampleOf } from './exposition.ts';

const HEAD = '# HELP a A counter.\n# TYPE a counter\n';

test('names, labels with escapes, and numbers are read', () => {
  const families = parseExposition(`${HEAD}a{x="1\\"\\\\\\n",y=""} 1.5e3\n\n# HELP b B.\n# TYPE b gauge\nb NaN\n`);
  expect(families.get('a')).toEqual({
    type: 'counter',
    help: 'A counter.',
    samples: [{ name: 'a', labels: { x: '1"\\\n', y: '' }, value: 1500 }],
  });
  expect(sampleOf(families, 'b')).toBeNaN();
});

const histogram = (...lines: string[]) => `# HELP h H.\n# TYPE h histogram\n${lines.join('\n')}\n`;

test.each([
  ['a last line that does not end', `${HEAD}a 1`],
  ['a family without a type', '# HELP a A.\na 1\n'],
  ['a family that comes twice', `${HEAD}a 1\n${HEAD}a{x="1"} 2\n`],
  ['a series that comes twice', `${HEAD}a{x="1"} 1\na{x="1"} 2\n`],
  ['a sample of another family', `${HEAD}b 1\n`],
  ['a label that is not quoted', `${HEAD}a{x=1} 1\n`],
  ['a label that comes twice', `${HEAD}a{x="1",x="2"} 1\n`],
  ['a quote that is not escaped', `${HEAD}a{x="""} 1\n`],
  ['a value that is no number', `${HEAD}a one\n`],
  ['a counter below 0', `${HEAD}a -1\n`],
  ['buckets that fall', histogram('h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 1', 'h_sum 1', 'h_count 1')],
  ['bounds that do not ascend', histogram('h_bucket{le="2"} 1', 'h_bucket{le="1"} 1', 'h_sum 1', 'h_count 1')],
  ['a histogram without +Inf', histogram('h_bucket{le="1"} 1', 'h_sum 1', 'h_count 1')],
  ['a count that is not the last bucket', histogram('h_bucket{le="+Inf"} 1', 'h_sum 1', 'h_count 2')],
  ['a histogram without a sum', histogram('h_bucket{le="+Inf"} 1', 'h_count 1')],
])('%s is refused', (_, text) => {
  expect(() => parseExposition(text)).toThrow();
});
