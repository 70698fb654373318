import { count, debezium, json, last, protobuf, row, string, topic, topology } from '../../../src/index.ts';
import { DEAD_LETTER_HEADERS } from '../../../src/runtime/dead-letters.ts';
import { changeEvent, debeziumKey } from '../../../src/serdes/index.ts';
import type { Serde } from '../../../src/serdes/index.ts';
import { TopologyTestDriver } from '../../../src/testing/index.ts';
import type { OutputRecord } from '../../../src/testing/index.ts';
import type { Dice } from '../../seed.ts';
import { Kinds } from '../../serdes/gen/kinds/v1/kinds.ts';
import { peerType } from '../../serdes/protobuf-peer.ts';
import type { Outcome, Target } from '../fuzzer.ts';
import { SECRET, badText, goodText, isChance } from '../hostile.ts';
import { anyEventBytes, anyKeyBytes } from '../json/debezium.ts';
import { anyJsonBytes } from '../json/target.ts';
import { anyMessageBytes } from '../protobuf/target.ts';
import { attempt, same, sameButZeros, visible } from '../visible.ts';

interface Row {
  readonly id: string;
}

const kinds = protobuf(Kinds);
const changes = changeEvent(row<Row>());
const events = debezium('events', row<Row>(), { key: 'id' });

/** Bytes go through each serde, a step, and a sink or a store. */
const hostile = topology('hostile', t => {
  t.stream(topic('messages', string(), kinds))
    .map(message => ({ ...message }))
    .as(kinds)
    .to(topic('messages.out', string(), kinds));
  t.stream(topic('documents', string(), json()))
    .map(document => document)
    .as(json())
    .to(topic('documents.out', string(), json()));
  t.stream(topic('keys', debeziumKey<unknown>(['id']), string()))
    .map((_, { key }) => key)
    .as(json())
    .to(topic('keys.out', debeziumKey<unknown>(['id']), json()));
  t.stream(events)
    .map(change => ({ ...change }))
    .as(changes)
    .to(topic('events.out', debeziumKey<string>(['id']), changes));
  t.table('rows', events)
    .toStream()
    .to(topic('rows.out', debeziumKey<string>(['id']), json<Row>()));
  t.stream(topic('facts', string(), json()))
    .groupByKey()
    .aggregate('kept', { kept: last(), n: count() })
    .to(topic('facts.out', string(), json<{ kept: unknown; n: number }>()));
});

interface Hostile {
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly timestamp: number;
}

/** A source's hostile records, and what is to become of one. */
interface Source {
  readonly topic: string;
  readonly key: (dice: Dice) => Buffer;
  readonly value: (dice: Dice) => Buffer;
  /** What comes out: one value or, of what is dropped or a dead letter, none. Without it only the numbers are compared. */
  readonly expected?: (record: Hostile) => readonly unknown[];
}

const plainKey = (dice: Dice): Buffer => Buffer.from(`k${dice.below(5)}`);
const START = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const BAD_TIMES = [-1, -START, 2 ** 53, 2 ** 60, -(2 ** 62), 8.64e15 + 1];
const isTime = (time: number): boolean => Number.isSafeInteger(time) && time >= 0 && time <= 8.64e15;

/** What comes through a serde and back; a value of null is a tombstone, which a stream drops. */
function through<T>(serde: Serde<T>, bytes: Buffer): readonly unknown[] {
  const passed = attempt(() => {
    const value = serde.decode(bytes);
    return value === null ? null : serde.decode(serde.encode(value));
  });
  return passed === undefined || passed.value === null ? [] : [passed.value];
}

/** A key may be null, and a result of null is a record. */
function keyThrough(bytes: Buffer): readonly unknown[] {
  const passed = attempt(() => json().decode(json().encode(debeziumKey<unknown>(['id']).decode(bytes))));
  return passed === undefined ? [] : [passed.value];
}

/** Of topics that take no time from the value: without one of its own a record is a dead letter. */
const timed =
  (expected: (record: Hostile) => readonly unknown[]) =>
  (record: Hostile): readonly unknown[] =>
    isTime(record.timestamp) ? expected(record) : [];

const SOURCES: readonly Source[] = [
  {
    topic: 'messages',
    key: plainKey,
    value: dice => anyMessageBytes(dice, peerType('kinds.v1.Kinds')),
    expected: timed(({ value }) => through(kinds, value)),
  },
  { topic: 'documents', key: plainKey, value: anyJsonBytes, expected: timed(({ value }) => through(json(), value)) },
  {
    topic: 'keys',
    key: dice => anyKeyBytes(dice, ['id']),
    value: goodText,
    expected: timed(({ key }) => keyThrough(key)),
  },
  {
    topic: 'events',
    key: dice => Buffer.from(`{"id":"k${dice.below(5)}"}`),
    value: anyEventBytes,
    expected({ value, timestamp }) {
      const change = attempt(() => changes.decode(value))?.value;
      if (change === undefined || !isTime(change.source.ts_ms)) return [];
      // a record without a time of its own has none to be held against
      if (isTime(timestamp) && change.source.ts_ms > timestamp + HOUR_MS) return [];
      // the table has no rows to take away, and its rows must be JSON
      if (change.op === 't') return [];
      if (change.after !== null && !attempt(() => json().encode(change.after))) return [];
      return through(changes, value);
    },
  },
  { topic: 'facts', key: plainKey, value: anyJsonBytes },
  { topic: 'facts', key: plainKey, value: badText },
]; // prettier-ignore

const ROUNDS = 3;
const RECORDS = 30;

/** Hostile bytes as records of a running topology: each ends as a value or a dead letter, and the run goes on, over restarts too. */
export const topologyTarget: Target = {
  name: 'topology',
  async run(dice): Promise<Outcome> {
    await using driver = await TopologyTestDriver.start(hostile, { onDrop: 'dead-letter' });
    const offsets = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const records = Array.from({ length: RECORDS }, (_, index) => anyRecord(dice, START + round * RECORDS + index));
      await driver.pipeAll(records);
      const letters = await driver.read<Buffer, Buffer>('hostile.dead-letters');
      for (const source of new Map(SOURCES.map(one => [one.topic, one])).values()) {
        const own = records.filter(one => one.topic === source.topic);
        await check(driver, source, own, letters, offsets.get(source.topic) ?? 0);
        offsets.set(source.topic, (offsets.get(source.topic) ?? 0) + own.length);
      }
      if (isChance(dice, 0.3)) await driver.crash().then(() => driver.restart());
    }
    return 'value';
  },
};

function anyRecord(dice: Dice, now: number): Hostile {
  const source = dice.oneOf(SOURCES);
  const timestamp = isChance(dice, 0.03) ? dice.oneOf(BAD_TIMES) : now;
  return { topic: source.topic, key: source.key(dice), value: source.value(dice), timestamp };
}

async function check(
  driver: TopologyTestDriver,
  { topic: name, expected }: Source,
  records: readonly Hostile[],
  letters: readonly OutputRecord<Buffer, Buffer>[],
  firstOffset: number,
): Promise<void> {
  const outputs = await driver.read(`${name}.out`);
  const own = letters.filter(letter => headerOf(letter, DEAD_LETTER_HEADERS.topic) === name);
  const refused = new Map(own.map(letter => [Number(headerOf(letter, DEAD_LETTER_HEADERS.offset)), letter]));
  const taken = records.filter((record, index) => {
    const letter = refused.get(firstOffset + index);
    if (letter !== undefined) checkLetter(letter, record);
    return letter === undefined;
  });
  const nulls = taken.filter(record => attempt(() => json().decode(record.value))?.value === null).length;
  if (expected === undefined) {
    if (outputs.length + nulls !== taken.length)
      throw new Error(`${name}: ${records.length} records, ${outputs.length} results and ${own.length} dead letters`);
    return;
  }
  const wanted = records.flatMap(record => expected(record));
  sameButZeros(visible(outputs.map(({ value }) => value)), visible(wanted), name);
}

const CODES = [
  'TOPO_DECODE',
  'TOPO_ENCODE',
  'TOPO_TIMESTAMP_INVALID',
  'TOPO_TRUNCATE',
  'TOPO_USER_FUNCTION',
  'TOPO_DROPPED',
];

/** It holds what came, and its headers say nothing of it. */
function checkLetter(letter: OutputRecord<Buffer, Buffer>, record: Hostile): void {
  const code = headerOf(letter, DEAD_LETTER_HEADERS.code);
  if (!CODES.includes(code)) throw new Error(`a dead letter with code ${code}`);
  same([letter.key?.toString('hex'), letter.value?.toString('hex'), letter.timestamp], [record.key.toString('hex'), record.value.toString('hex'), record.timestamp], 'a dead letter'); // prettier-ignore
  for (const name of [DEAD_LETTER_HEADERS.message, DEAD_LETTER_HEADERS.stacktrace])
    if (headerOf(letter, name).includes(SECRET)) throw new Error('a dead letter tells content in its headers');
}

const headerOf = ({ headers }: OutputRecord<Buffer, Buffer>, name: string): string =>
  Buffer.from(headers.find(([one]) => one === name)?.[1] ?? '').toString();
