import { readFileSync } from 'node:fs';
import { changeEvent, debeziumKey, row } from '../../../src/serdes/index.ts';
import type { Dice } from '../../seed.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { isChance } from '../hostile.ts';
import { attempt, same, sameButZeros, visible } from '../visible.ts';
import { anyJsonBytes, parsed } from './target.ts';
import { anyJson, anyNumber, anyString, damagedText, longDigits, member, quoted } from './texts.ts';

const serde = changeEvent(row<Record<string, unknown>>());

const recorded = readFileSync(new URL('../../fixtures/debezium/row-events.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .flatMap(line => (JSON.parse(line) as { readonly value: string | null }).value ?? []);

export const debeziumTarget: Target = {
  name: 'debezium',
  run: dice => checkEvent(anyEventBytes(dice)),
};

export function anyEventBytes(dice: Dice): Buffer {
  const draw = dice.below(100);
  if (draw < 5) return anyJsonBytes(dice);
  const event = draw < 20 ? dice.oneOf(recorded) : anyEvent(dice);
  const text = isChance(dice, 0.2) ? anyEnvelope(dice, event) : event;
  return Buffer.from(isChance(dice, 0.2) ? damagedText(dice, text) : text);
}

/** Around two times that are one, nearly one, or one written in another way. */
function anyNanoseconds(dice: Dice): string {
  const near = `179540758300043939${dice.below(10)}`;
  const texts = [
    () => near,
    () => near,
    () => `-${near}`,
    () => `${near[0]}.${near.slice(1)}e18`,
    () => `${near}.0`,
    () => `"${near}"`,
    () => longDigits(dice),
    () => anyNumber(dice),
    () => String(dice.below(100)),
    () => 'null',
  ];
  return dice.oneOf(texts)();
}

function anyMembers(dice: Dice, names: readonly (readonly [name: string, value: () => string])[]): string {
  const members = names.flatMap(([name, value]) => {
    const times = isChance(dice, 0.9) ? 1 : dice.below(3);
    return Array.from({ length: times }, () => member(dice, quoted(dice, name), value()));
  });
  if (isChance(dice, 0.2)) members.push(members.splice(dice.below(members.length + 1), 1)[0] ?? '"x":1');
  return `{${members.join(',')}}`;
}

/** With everything an event has, in its order, now and then missing, twice, or something else. */
function anyEvent(dice: Dice): string {
  const op = dice.oneOf(['c', 'r', 'u', 'd', 't', 'm', 'x']);
  const odd = (usual: string) => (isChance(dice, 0.95) ? usual : anyJson(dice, 3));
  const anyRow = () =>
    anyMembers(dice, [
      ['id', () => anyString(dice)],
      ['ts_ns', () => anyNanoseconds(dice)],
      ['n', () => anyNumber(dice)],
      ['ts_ns":', () => anyNanoseconds(dice)],
    ]);
  const source = () =>
    odd(
      anyMembers(dice, [
        ['connector', () => '"postgresql"'],
        ['ts_ms', () => odd(String(dice.below(1e9)))],
        ['ts_ns', () => anyNanoseconds(dice)],
        ['lsn', () => anyNumber(dice)],
      ]),
    );
  return anyMembers(dice, [
    ['before', () => odd(op === 'u' || op === 'd' ? anyRow() : 'null')],
    ['after', () => odd('cru'.includes(op) ? anyRow() : 'null')],
    ['source', source],
    ['op', () => odd(`"${op}"`)],
    ['message', () => odd('{"prefix":"p","content":"YQ=="}')],
    ['ts_ms', () => odd(String(dice.below(1e9)))],
    ['ts_ns', () => anyNanoseconds(dice)],
  ]);
}

const anyEnvelope = (dice: Dice, event: string): string =>
  anyMembers(dice, [
    ['schema', () => anyJson(dice, 3)],
    ['payload', () => event],
  ]);

function checkEvent(bytes: Buffer): Outcome {
  const json = parsed(bytes);
  const expected = json && eventOf(json.value);
  const decoded = attempt(() => serde.decode(bytes));
  if (decoded === undefined || expected === undefined) {
    if (decoded !== undefined) throw new Error(`taken, and no change event: ${bytes.toString()}`);
    if (expected !== undefined) throw new Error(`a change event, and refused: ${bytes.toString()}`);
    return 'refused';
  }
  same(visible(decoded.value), visible(expected), `decoded from ${bytes.toString()}`);
  const again = attempt(() => Buffer.from(serde.encode(decoded.value)));
  if (again)
    sameButZeros(visible(serde.decode(again.value)), visible(decoded.value), `encoded to ${again.value.toString()}`);
  return 'value';
}

/** What `changeEvent` documents, on the reference's Maps. */
function eventOf(value: unknown): Map<string, unknown> | undefined {
  if (!(value instanceof Map)) return undefined;
  const payload: unknown = value.get('payload');
  const event = new Map(!value.has('op') && payload instanceof Map ? payload : value) as Map<string, unknown>;
  for (const name of ['before', 'after']) if (!event.has(name)) event.set(name, null);
  const [before, after, source] = [event.get('before'), event.get('after'), event.get('source')];
  const isRow = (one: unknown) => one instanceof Map;
  if (!(source instanceof Map) || typeof source.get('ts_ms') !== 'number') return undefined;
  const atRow = before === null || isRow(before);
  switch (event.get('op')) {
    case 'c':
    case 'r':
    case 'u':
      return isRow(after) && atRow ? event : undefined;
    case 'd':
      return after === null && atRow ? event : undefined;
    case 't':
      return after === null ? event : undefined;
    case 'm':
      return isRow(event.get('message')) ? event : undefined;
    default:
      return undefined;
  }
}

const KEYS: readonly (readonly [string, ...string[]])[] = [
  ['id'],
  ['code', 'id'],
  ['__proto__'],
  ['payload', 'schema'],
];

export const debeziumKeyTarget: Target = {
  name: 'debezium-key',
  run(dice) {
    const fields = dice.oneOf(KEYS);
    return checkKey(fields, anyKeyBytes(dice, fields));
  },
};

export function anyKeyBytes(dice: Dice, fields: readonly string[]): Buffer {
  if (isChance(dice, 0.05)) return anyJsonBytes(dice);
  const scalar = () =>
    isChance(dice, 0.7) ? anyString(dice) : isChance(dice, 0.8) ? anyNumber(dice) : anyJson(dice, 3);
  const compact = `{${fields.map(field => `${JSON.stringify(field)}:${scalar()}`).join(',')}}`;
  const key = isChance(dice, 0.5) ? compact : anyMembers(dice, fields.map(field => [field, scalar] as const)); // prettier-ignore
  const text = isChance(dice, 0.05) ? anyEnvelope(dice, key) : key;
  return Buffer.from(isChance(dice, 0.2) ? damagedText(dice, text) : text);
}

function checkKey(fields: readonly [string, ...string[]], bytes: Buffer): Outcome {
  const json = parsed(bytes);
  const expected = json && keyOf(fields, json.value);
  const key = debeziumKey<unknown>(fields);
  const decoded = attempt(() => key.decode(bytes));
  if (decoded === undefined || expected === undefined) {
    if (decoded !== undefined) throw new Error(`taken, and no key: ${bytes.toString()}`);
    if (expected !== undefined) throw new Error(`a key, and refused: ${bytes.toString()}`);
    return 'refused';
  }
  same(visible(decoded.value), visible(expected.value), `decoded from ${bytes.toString()}`);
  const again = attempt(() => Buffer.from(key.encode(decoded.value)));
  if (again)
    sameButZeros(visible(key.decode(again.value)), visible(decoded.value), `encoded to ${again.value.toString()}`);
  return 'value';
}

/** What `debeziumKey` documents. */
function keyOf(fields: readonly string[], value: unknown): { readonly value: unknown } | undefined {
  if (!(value instanceof Map) || value.size !== fields.length) return undefined;
  const values = fields.map(field => [field, (value as Map<string, unknown>).get(field)] as const);
  if (values.some(([, one]) => one === undefined || (typeof one === 'object' && one !== null))) return undefined;
  return { value: fields.length === 1 ? values[0]![1] : new Map(values) };
}
