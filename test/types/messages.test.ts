import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import { FILE, languageService } from './language-service.ts';

/** What is wrong, by name. */
const MISTAKES = {
  'stream and table': `byNumber.join('a', policyTable, () => 1);`,
  'left join of stream and table': `byNumber.leftJoin('a', policyTable, () => 1);`,
  'two streams': `byNumber.join('a', stream, within('1 s'), () => 1);`,
  'left join of two streams': `byNumber.leftJoin('a', stream, within('1 s'), () => 1);`,
  'outer join of two streams': `byNumber.outerJoin('a', stream, within('1 s'), () => 1);`,
  'two tables': `policyTable.join('a', numberTable, () => 1);`,
  'left join of two tables': `policyTable.leftJoin('a', numberTable, () => 1);`,
  'outer join of two tables': `policyTable.outerJoin('a', numberTable, () => 1);`,
  'merged streams': `stream.merge(byNumber);`,
  'cogrouped streams': `stream.groupByKey().cogroup({ n: count() }).and(byNumber.groupByKey(), { m: count() });`,
  'values of merged streams': `stream.merge(t.stream(policies));`,
  'a grace with a plain table': `stream.join('a', policyTable, () => 1, { grace: '1 s' });`,
  'a table in a window': `stream.join('a', policyTable, within('1 s'), () => 1);`,
  'a stream without a window': `stream.join('a', stream, () => 1);`,
  'a stream that a table joins': `policyTable.join('a', stream, () => 1);`,
  'a duration as window': `stream.join('a', stream, '1 s', () => 1);`,
  'a sink of another message': `stream.to(policies);`,
  'a sink of other keys': `byNumber.to(claims);`,
  'a state without a serde': `stream.groupByKey().aggregate('a', { init: () => 0, add: (n: number) => n + 1 });`,
  'final without a window': `stream.groupByKey().count('a', { emit: 'final' });`,
  'a misspelt option': `stream.groupByKey().count('a', { ondrop: 'count' });`,
} as const;

const SOURCE = `
import { count, json, string, topic, topology, within } from 'topo-streams';
interface Claim { id: string; cents: number }
interface Policy { id: string; product: string }
const claims = topic('claims', string(), json<Claim>());
const policies = topic('policies', string(), json<Policy>());
topology('t', t => {
  const stream = t.stream(claims);
  const byNumber = stream.keyBy('by-number', claim => claim.cents);
  const policyTable = t.table('policies', policies);
  const numberTable = t.table('numbered', topic('numbered', json<number>(), json<Policy>()));
${Object.values(MISTAKES)
  .map(line => `  ${line}`)
  .join('\n')}
});
`;
const FIRST_LINE = SOURCE.split('\n').indexOf(`  ${MISTAKES['stream and table']}`);

/** By mistake: the lines of its message, and what they point at. */
let messages: Map<string, { readonly lines: string[]; readonly at: string }>;

beforeAll(() => {
  const names = Object.keys(MISTAKES);
  const found = languageService(SOURCE)
    .getSemanticDiagnostics(FILE)
    .map(({ messageText, start = 0, length = 0 }) => {
      const line = SOURCE.slice(0, start).split('\n').length - 1 - FIRST_LINE;
      const lines = ts.flattenDiagnosticMessageText(messageText, '\n').split('\n');
      return [names[line]!, { lines: lines.map(one => one.trim()), at: SOURCE.slice(start, start + length) }] as const;
    });
  messages = new Map(found);
}, 60_000);

describe('where keys differ, the compiler says so in a few lines:', () => {
  test.each([
    ['stream and table', 'Table<string, Policy>', 'policyTable'],
    ['left join of stream and table', 'Table<string, Policy>', 'policyTable'],
    ['two streams', 'Stream<string, Claim>', 'stream'],
    ['left join of two streams', 'Stream<string, Claim>', 'stream'],
    ['outer join of two streams', 'Stream<string, Claim>', 'stream'],
    ['two tables', 'Table<number, Policy>', 'numberTable'],
    ['left join of two tables', 'Table<number, Policy>', 'numberTable'],
    ['outer join of two tables', 'Table<number, Policy>', 'numberTable'],
    ['merged streams', 'Stream<number, Claim>', 'byNumber'],
    ['cogrouped streams', 'GroupedStream<number, Claim>', 'byNumber.groupByKey()'],
  ])('%s', (mistake, type, place) => {
    const { lines, at } = messages.get(mistake)!;
    expect(at).toBe(place);
    const [first, ...rest] = lines.filter(line => !line.includes('overload'));
    expect(first).toMatch(`Argument of type '${type}' is not assignable to parameter of type '`);
    expect(rest.slice(-2)).toEqual([
      `Types of property 'keyType' are incompatible.`,
      expect.stringMatching(/^Type '(string|number)' is not assignable to type '(string|number)'.$/),
    ]);
    expect(lines.length).toBeLessThanOrEqual(6);
  });
});

test.each([
  ['values of merged streams', 't.stream(policies)', `Types of property 'valueType' are incompatible.`],
  ['a grace with a plain table', 'policyTable', /with { onDrop, onError } and, if it is versioned, { grace }/],
  ['a table in a window', 'policyTable', /"as a table: without a window;/],
  ['a stream without a window', 'stream', /^Type '"as a stream: within a window"' is not assignable/],
  ['a stream that a table joins', 'stream', /^Type '"as a stream: within a window"' is not assignable/],
  ['a duration as window', `'1 s'`, /^Argument of type 'string' is not assignable to parameter of type 'JoinWindow'/],
  ['a sink of another message', 'policies', /^Argument of type 'Topic<string, Policy, Policy>'.*'Sink<string, Claim>'/],
  [
    'a sink of another message',
    'policies',
    `Property 'product' is missing in type 'Claim' but required in type 'Policy'.`,
  ],
  ['a sink of other keys', 'claims', `Type 'number' is not assignable to type 'string'.`],
  ['a state without a serde', /^{ init/, /^Property 'serde' is missing in type '{ init: /],
  ['final without a window', 'emit', /'emit' does not exist in type 'StoreOptions'/],
  ['a misspelt option', 'ondrop', /Did you mean to write 'onDrop'\?$/],
])('of %s the message points at %s', (mistake, place, line) => {
  const { lines, at } = messages.get(mistake)!;
  expect(at).toMatch(place);
  expect(lines).toContainEqual(expect.stringMatching(line));
});
