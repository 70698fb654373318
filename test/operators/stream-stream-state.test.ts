import { map } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { string, topic, topology, within } from '../../src/index.ts';
import type { JoinWindow } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { METHODS, both, joinStreams } from './join-streams.ts';
import type { JoinMethod } from './join-streams.ts';
import { TestWorld, record, short } from '../runtime/world.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());

const joining = (method: JoinMethod, window: JoinWindow, fn = both) =>
  topology('t', t =>
    joinStreams(method, t.stream(left), t.stream(right), window, { fn })
      .as(string())
      .to(topic('out', string(), string())),
  );

/** Rounds of inputs, each read to its end before the next; the last closes everything. */
const ROUNDS = [
  ['L k=A@10', 'L j=B@12', 'R k=a@15', 'L k=C@16', 'R i=i@17'],
  ['R j=late@1', 'L k=D@18', 'R j=b@20', 'L i=E@40', 'R k=c@39'],
  ['L i=F@30', 'R k=d@90', 'L k=G@91'],
  ['R z=z@500'],
];

async function outputs(method: JoinMethod, isRestarted: boolean): Promise<string[]> {
  const app = joining(method, within({ before: 5, after: 12 }, { grace: 3 }));
  await using world = await TestWorld.open();
  for (const name of ['left', 'right']) await world.topic(name, 1);
  const running = isRestarted ? null : await world.start(app);
  for (const round of ROUNDS) {
    for (const text of round) await world.write(text.startsWith('L') ? 'left' : 'right', record(text.slice(2)));
    await (running === null ? world.runToIdle(app) : running.idle());
  }
  return short(await world.read('out'));
}

describe('a restart', () => {
  test.each(METHODS)('%s: between any two records changes nothing, the time that had come included', async method => {
    const uninterrupted = await outputs(method, false);
    expect(await outputs(method, true)).toEqual(uninterrupted);
    expect(uninterrupted.length).toBeGreaterThan(2);
  });

  test('with another window of the same reach goes on; with a very different one it is refused', async () => {
    await using world = await TestWorld.open();
    for (const name of ['left', 'right']) await world.topic(name, 1);
    await world.write('left', record('k=A@10'));
    await world.runToIdle(joining('leftJoin', within(100)));
    await world.write('right', record('k=a@120'), record('z=z@500'));
    await world.runToIdle(joining('leftJoin', within(120)));
    expect(short(await world.read('out'))).toEqual(['k=A-a@120']);
    await expect(world.start(joining('leftJoin', within('1 h')))).rejects.toThrow(
      /step 'joined': its keys were string in stretches of 256 ms, .* and are string in stretches of 8388608 ms/,
    );
  });
});

test.each([
  ['leftJoin', []],
  ['outerJoin', ['k=null-b@30']],
] as const)('an inner join that becomes a %s reports nothing that it has joined', async (method, more) => {
  await using world = await TestWorld.open();
  for (const name of ['left', 'right']) await world.topic(name, 1);
  await world.write('left', record('k=A@1'));
  await world.write('right', record('k=a@2'));
  await world.runToIdle(joining('join', within(10)));
  // into the same pages
  await world.write('left', record('k=B@15'), record('z=z@1000'));
  await world.write('right', record('k=b@30'));
  await world.runToIdle(joining(method, within(10)));
  expect(short(await world.read('out'))).toEqual(['k=A-a@2', 'k=B-null@15', ...more]);
});

describe('an epoch that is aborted', () => {
  test.each(METHODS)('%s: and run again gives what it would have given, pages it removed included', async method => {
    await using driver = await drive(
      topology('t', t => {
        const stream = t.stream(left);
        const failing = stream.pipe(
          map(one => {
            if (one.value === 'bad') throw new Error('spoilt');
            return one;
          }),
        );
        failing.to(topic('piped', string(), string()));
        joinStreams(method, stream, t.stream(right), within(10))
          .as(string())
          .to(topic('out', string(), string()));
      }),
    );
    await driver.pipeAll([...records('left', 'k=A@1', 'j=B@2'), ...records('right', 'i=c@3')]);
    // k=a joins k=A, whose page l=C removes; x=bad spoils the epoch, so that k=a comes again and must find the page
    const spoilt = [
      ...records('left', 'k=D@5', 'l=C@200', 'k=E@201', 'x=bad@202'),
      ...records('right', 'k=a@8', 'k=e@203'),
    ];
    await driver.pipeAll(spoilt);
    await driver.pipeAll(records('right', 'z=z@300'));
    const results = brief(await driver.read('out'));
    expect(results.filter(row => !row.includes('null'))).toEqual(['k=A-a@8', 'k=D-a@8', 'k=E-e@203']);
    const unmatched = { join: 0, leftJoin: 2, outerJoin: 3 }[method];
    expect(results).toHaveLength(3 + unmatched);
    expect(driver.figures().deadLettered).toBe(1);
  });
});

describe('a record that fails at its close', () => {
  const failing: typeof both = (l, r, record) => {
    if (l?.startsWith('bad') === true && r === null) throw new Error('nobody came');
    return both(l, r, record);
  };

  test('is dead-lettered alone: those of its page, the others and the record that made them due go on', async () => {
    await using driver = await drive(joining('leftJoin', within(10), failing));
    const headers = [['h', Buffer.from('1')]] as const;
    const inputs = records('left', 'k=ok@5', 'k=bad1@5', 'k=ok2@5', 'j=bad2@5', 'i=ok3@5', 'k=ok4@6');
    for (const one of inputs) await driver.pipe({ ...one, headers });
    await driver.pipeAll(records('right', 'k=r@100'));
    await driver.pipeAll(records('left', 'k=l@101'));
    const kept = await driver.read('t.dead-letters');
    expect(kept.map(({ key, value, timestamp }) => [key, value, timestamp])).toEqual([
      [Buffer.from('j'), Buffer.from('bad2'), 5],
      [Buffer.from('k'), Buffer.from('bad1'), 5],
    ]);
    expect(kept[0]!.headers.map(([name]) => name)).toContain('h');
    const results = await driver.read<string, string>('out');
    expect(results.map(({ key, value }) => `${key}=${value}`)).toEqual(['i=ok3-null', 'k=ok-null', 'k=ok2-null', 'k=ok4-null', 'k=l-r']); // prettier-ignore
    expect(driver.figures().deadLettered).toBe(2);
  });

  test('stays done when the application starts again', async () => {
    await using world = await TestWorld.open();
    for (const name of ['left', 'right']) await world.topic(name, 1);
    const app = joining('leftJoin', within(10), failing);
    await world.write('left', record('k=bad@5'), record('k=ok@5'));
    await world.write('right', record('k=r@100'));
    await world.runToIdle(app);
    await world.write('right', record('k=r@200'));
    await world.runToIdle(app);
    expect(short(await world.read('out'))).toEqual(['k=ok-null@5']);
    expect(await world.read('t.dead-letters')).toHaveLength(1);
  });
});

describe('the stores', () => {
  test.each(METHODS)('%s: hold nothing but the time when all records are closed', async method => {
    await using driver = await drive(joining(method, within(10, { grace: 5 })));
    const many = Array.from({ length: 300 }, (_, index) => `hot=${'x'.repeat(50)}${index}@${index % 20}`);
    await driver.pipeAll([
      ...records('left', 'k=A@1', 'j=B@30', ...many),
      ...records('right', 'k=a@3', 'i=i@9', ...many),
    ]);
    // in two steps: the first record's own page is closed by the second, and nothing of that one is kept
    await driver.pipeAll(records('left', 'z=z@1000'));
    await driver.pipe({ topic: 'right', key: null, value: 'z', timestamp: 2_000 });
    for (const side of ['left', 'right']) {
      const last = new Map<string, unknown>();
      for (const { key, value } of await driver.read<Uint8Array>(`t-joined-${side}-changelog`))
        last.set(Buffer.from(key!).toString('latin1'), value);
      expect(last.size).toBeGreaterThan(4);
      expect([...last].filter(([key, value]) => key !== '' && value !== null)).toEqual([]);
    }
  });

  test('keep a hot key in pages: a record rewrites one of them', async () => {
    await using driver = await drive(joining('join', within('1 h')));
    const inputs = Array.from({ length: 400 }, (_, index) => `hot=${'x'.repeat(100)}@${index}`);
    for (let at = 0; at < inputs.length; at += 20) await driver.pipeAll(records('left', ...inputs.slice(at, at + 20)));
    const sizes = (await driver.read<unknown, Uint8Array>('t-joined-left-changelog')).map(({ value }) => value!.length);
    expect(Math.max(...sizes)).toBeLessThan(4_000);
    expect(sizes.length).toBeLessThan(20 * 5);
  });
});
