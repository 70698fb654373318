import { expect, test } from 'vitest';
import { hopping, json, string, topic, topology, tumbling, windowed } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { headerTexts } from '../headers.ts';

const input = topic('in', string(), string());
const other = topic('other', string(), string());
const output = topic('out', string(), string());

test('a table join forgets a change whose lookup failed: the other keys go on, and nothing of it comes out', async () => {
  let broken = false;
  const joined = topology('t', t => {
    const rows = t.table('right-rows', other).map(value => {
      if (broken && value === 'bad') throw new Error('cannot be mapped');
      return value;
    });
    t.table('left-rows', input)
      .join('joined', rows, (left, right) => left + right)
      .as(string())
      .to(output);
  });
  await using driver = await drive(joined);
  await driver.pipeAll(records('other', 'a=bad@1', 'b=1@1', 'c=1@1'));
  broken = true;
  await driver.pipeAll(records('in', 'a=A@2', 'b=B@3', 'c=C@4', 'b=BB@5'));
  expect(brief(await driver.read('out'))).toEqual(['b=B1@3', 'c=C1@4', 'b=BB1@5']);
  expect(await driver.read('t.dead-letters')).toHaveLength(1);
});

test('a record that fails after a suppressed row made room is dead-lettered once', async () => {
  let calls = 0;
  const held = topology('t', t => {
    const rows = t.table('rows', input);
    rows.suppress('held', { timeLimit: '1 d', maxRecords: 1 }).to(output);
    rows
      .map(value => {
        if (value !== 'bad') return value;
        // a defect here runs the unit again and again
        if (++calls > 50) return value;
        throw new Error('cannot be mapped');
      })
      .as(string())
      .to(topic('copy', string(), string()));
  });
  await using driver = await drive(held);
  await driver.pipeAll(records('in', 'a=1@0', 'b=bad@1', 'c=3@2'));
  expect(calls).toBe(1);
  expect(brief(await driver.read('copy'))).toEqual(['a=1@0', 'c=3@2']);
  expect(brief(await driver.read('out'))).toEqual(['a=1@0']);
  expect(await driver.read('t.dead-letters')).toHaveLength(1);
});

test("onDrop 'dead-letter': a result that is dropped behind its window is kept, not the record that closed the window", async () => {
  const windowed = (fails: boolean) =>
    topology('t', t => {
      const stream = t.stream(input);
      stream
        .groupByKey()
        .window(tumbling(10, { emit: 'final' }))
        .count('counted')
        .toStream()
        .keyBy('by-none', () => null as string | null, string())
        .groupByKey()
        .count('again');
      stream
        .filter(value => {
          if (fails && value === '3') throw new Error('not this one');
          return true;
        })
        .to(output);
    });
  for (const fails of [false, true]) {
    await using driver = await drive(windowed(fails), { onDrop: 'dead-letter' });
    await driver.pipeAll(records('in', 'a=1@3', 'a=2@5', 'b=3@12'));
    const letters = await driver.read<Uint8Array, Uint8Array>('t.dead-letters');
    const [result, ...others] = letters.map(({ key, value, timestamp, headers }) => ({
      key: String(key).slice(0, 1),
      value: value && String(value),
      timestamp,
      ...headerTexts(headers),
    }));
    expect(result).toMatchObject({
      key: 'a',
      value: null,
      timestamp: 5,
      'topo.step': 'by-none',
      'topo.code': 'TOPO_DROPPED',
    });
    expect(result).not.toHaveProperty('__streams.errors.offset');
    expect(others.map(one => one.value)).toEqual(fails ? ['3'] : []);
    expect(brief(await driver.read('out'))).toEqual(['a=1@3', 'a=2@5', ...(fails ? [] : ['b=3@12'])]);
  }
});

test('a unit whose own row makes room for another of its rows, and fails there, is dead-lettered once', async () => {
  let calls = 0;
  const held = topology('t', t =>
    t
      .stream(input)
      .groupByKey()
      .window(hopping(20, { every: 10 }))
      .count('counted')
      .suppress('held', { timeLimit: '1 s', maxRecords: 1 })
      .toStream()
      .map((): string => {
        // a defect here runs the unit again and again
        if (++calls > 50) return 'enough';
        throw new Error('cannot be mapped');
      })
      .as(string())
      .to(topic('copy', windowed(string()), string())),
  );
  await using driver = await drive(held);
  await driver.pipeAll(records('in', 'a=1@15'));
  expect(calls).toBeLessThan(4);
  expect(await driver.read('t.dead-letters')).toHaveLength(1);
});

test('a unit that closes a window it has opened, and fails there, is dead-lettered, and nothing of it is late', async () => {
  const closing = topology('t', t =>
    t
      .stream(input)
      .process('twice', {
        forwards: string(),
        record(value, { forward, timestamp }) {
          forward(value);
          if (value === 'both') forward(value, { timestamp: timestamp + 90 });
        },
      })
      .groupByKey()
      .window(tumbling(10, { emit: 'final' }))
      .count('counted')
      .toStream()
      .map((count, { timestamp }): number => {
        if (timestamp === 10) throw new Error('cannot be mapped');
        return count ?? 0;
      })
      .as(json<number>())
      .to(topic('copy', windowed(string()), json<number>())),
  );
  for (const before of [[], ['b=1@1']]) {
    await using driver = await drive(closing);
    await driver.pipeAll(records('in', ...before, 'a=both@10'));
    const letters = await driver.read('t.dead-letters');
    expect(letters.map(({ value }) => String(value))).toEqual(['both']);
    expect(driver.figures().dropped).toEqual({});
  }
});
