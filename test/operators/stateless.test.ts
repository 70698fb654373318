import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), string());

test('filter hands on what passes, under its key and timestamp', async () => {
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .filter(value => value > 'b')
        .to(output),
    ),
  );
  await driver.pipeAll(records('in', 'k=a@1', 'k=c@2', 'l=d@3'));
  expect(brief(await driver.read('out'))).toEqual(['k=c@2', 'l=d@3']);
});

test('a predicate that returns a promise fails the record: every promise would pass', async () => {
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .filter((async () => false) as unknown as () => boolean)
        .to(output),
    ),
  );
  await driver.pipe({ topic: 'in', key: 'k', value: 'a', timestamp: 1 });
  expect(await driver.read('out')).toEqual([]);
  const [letter] = await driver.read('t.dead-letters');
  expect(letter!.headers.map(([name, value]) => `${name}=${String(value)}`)).toContain('topo.code=TOPO_USER_FUNCTION');
});

test('what flatMap’s iterable holds is told apart from what its function returns', async () => {
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .flatMap(value =>
          value === 'nothing' ? (undefined as unknown as string[]) : ['a', undefined as unknown as string],
        )
        .as(string())
        .to(output),
    ),
  );
  await driver.pipeAll(records('in', 'k=nothing@1', 'k=holes@2'));
  const letters = await driver.read('t.dead-letters');
  expect(letters.map(({ headers }) => headerTexts(headers)['__streams.errors.message'])).toEqual([
    'its function returned undefined: flatMap takes an array, or another iterable, of results',
    'what its function returned holds undefined; null stands for no value',
  ]);
});

test('map changes the value and sees key, headers, timestamp, topic, partition and offset', async () => {
  const numbers = topic('numbers', string(), json<object>());
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .map((value, { key, headers, timestamp, topic: from, partition, offset }) => ({
          value,
          key,
          headers: headers.map(([name, bytes]) => [name, Buffer.from(bytes!).toString()]),
          at: [timestamp, from, partition, offset],
        }))
        .to(numbers),
    ),
  );
  await driver.pipe({ topic: 'in', key: 'k', value: 'v', timestamp: 7, headers: [['h', Buffer.from('x')]] });
  const [record] = await driver.read('numbers');
  expect(record!.value).toEqual({ value: 'v', key: 'k', headers: [['h', 'x']], at: [7, 'in', 0, 0] });
  expect(record!.headers).toEqual([['h', Buffer.from('x')]]);
});

test('flatMap hands on each result; an empty one drops the record', async () => {
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .flatMap(value => value.split(''))
        .as(string())
        .to(output),
    ),
  );
  await driver.pipeAll(records('in', 'k=ab@1', 'k=@2', 'k=c@3'));
  expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'k=b@1', 'k=c@3']);
});

test('peek sees each record and changes nothing', async () => {
  const seen: string[] = [];
  await using driver = await drive(
    topology('t', t =>
      t
        .stream(input)
        .peek(value => seen.push(value))
        .to(output),
    ),
  );
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2'));
  expect(seen).toEqual(['a', 'b']);
  expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'k=b@2']);
});

test('keyBy in front of a sink writes the new key, and the steps beside it keep the old one', async () => {
  const other = topic('other', string(), string());
  await using driver = await drive(
    topology('t', t => {
      const stream = t.stream(input);
      stream.keyBy('by-value', value => value, string()).to(output);
      stream.to(other);
    }),
  );
  await driver.pipe({ topic: 'in', key: 'k', value: 'v', timestamp: 1 });
  expect(brief(await driver.read('out'))).toEqual(['v=v@1']);
  expect(brief(await driver.read('other'))).toEqual(['k=v@1']);
});

test('merge hands on the records of all its streams by rule G2', async () => {
  const second = topic('second', string(), string());
  await using driver = await drive(topology('t', t => t.stream(input).merge(t.stream(second)).to(output)));
  await driver.pipeAll([...records('in', 'k=a@1', 'k=c@3', 'k=e@5'), ...records('second', 'l=b@2', 'l=c@3', 'l=d@4')]);
  expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'l=b@2', 'k=c@3', 'l=c@3', 'l=d@4', 'k=e@5']);
});

test('split hands a record to the first branch whose predicate holds', async () => {
  const rest = topic('rest', string(), string());
  await using driver = await drive(
    topology('t', t => {
      const { vowels, others } = t
        .stream(input)
        .split({ vowels: value => 'aeiou'.includes(value), others: value => value !== 'x' });
      vowels.to(output);
      others.to(rest);
    }),
  );
  await driver.pipeAll(records('in', 'k=a@1', 'k=b@2', 'k=x@3', 'k=e@4'));
  expect(brief(await driver.read('out'))).toEqual(['k=a@1', 'k=e@4']);
  expect(brief(await driver.read('rest'))).toEqual(['k=b@2']);
});

test('a null value is counted as a tombstone and skipped, unless tombstones are asked for', async () => {
  await using plain = await drive(topology('t', t => t.stream(input).to(output)));
  await plain.pipeAll(records('in', 'k=a@1', 'k=null@2'));
  expect(brief(await plain.read('out'))).toEqual(['k=a@1']);
  expect(plain.figures()).toMatchObject({ in: 2, out: 1, dropped: { tombstone: 1 } });

  await using asked = await drive(
    topology('t', t => t.stream(input, { tombstones: true }).to(topic('out', string(), string()))),
  );
  await asked.pipeAll(records('in', 'k=a@1', 'k=null@2'));
  expect(brief(await asked.read('out'))).toEqual(['k=a@1', 'k=null@2']);
});

test('a record keeps its partition by key, as Kafka places it', async () => {
  await using driver = await drive(
    topology('t', t => t.stream(input).to(output)),
    { partitions: 5 },
  );
  await driver.pipeAll(
    Array.from({ length: 100 }, (_, n) => ({ topic: 'in', key: `key-${n}`, value: 'v', timestamp: n })),
  );
  const [from, to] = [await driver.read('in'), await driver.read('out')];
  expect(new Set(to.map(({ partition }) => partition)).size).toBe(5);
  const placeOf = (list: typeof from) => list.map(({ key, partition }) => `${key as string}:${partition}`).sort();
  expect(placeOf(to)).toEqual(placeOf(from));
});
