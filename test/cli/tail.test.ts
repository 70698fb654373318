import { beforeAll, describe, expect, it } from 'vitest';
import { fillTopic } from './fill-topic.ts';
import type { TestRecord } from './fill-topic.ts';
import { expectRefusal, startTopo, temporaryFolder, topo } from './topo.ts';

interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: unknown;
}

const data = temporaryFolder();
const tail = async (topic: string, ...args: string[]): Promise<Line[]> => {
  const { code, stdout, stderr } = await topo(['tail', topic, '--json', '--data', data, ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Line);
};
const values = (lines: readonly Line[]) => lines.map(({ value }) => value);

/** Value n at time n, in three partitions by turns. */
const NUMBERED: TestRecord[] = Array.from({ length: 600 }, (_, i) => ({
  partition: i % 3,
  timestamp: i,
  key: `k${i % 7}`,
  value: String(i),
}));

beforeAll(async () => {
  await fillTopic(data, 'numbered', 3, NUMBERED);
  await fillTopic(data, 'odd', 2, [
    { key: null, value: null, timestamp: 5 },
    { key: Buffer.from([0xff, 0xfe]), value: Buffer.from([0x80]), timestamp: 6 },
    {
      key: 'läut',
      value: '{"a":1}',
      timestamp: 7,
      headers: [
        ['one', Buffer.from('1')],
        ['two', Buffer.from('a')],
        ['two', null],
        ['raw', Buffer.from([0xff])],
        ['__proto__', Buffer.from('x')],
      ],
    },
  ]);
  await fillTopic(data, 'late', 2, [
    { partition: 0, timestamp: 10, key: null, value: 'a' },
    { partition: 1, timestamp: 20, key: null, value: 'b' },
    { partition: 0, timestamp: 30, key: null, value: 'c' },
    { partition: 0, timestamp: 1, key: null, value: 'late' },
    { partition: 1, timestamp: 40, key: null, value: 'd' },
  ]);
  await fillTopic(data, 'empty', 2, []);
});

describe('tail', () => {
  it('prints the last ten over all partitions by timestamp', async () => {
    expect(values(await tail('numbered'))).toEqual([
      '590',
      '591',
      '592',
      '593',
      '594',
      '595',
      '596',
      '597',
      '598',
      '599',
    ]);
  });

  it('-n says how many, across gaps in the offsets', async () => {
    expect(values(await tail('numbered', '-n', '550'))).toEqual(NUMBERED.slice(-550).map(({ value }) => value));
    expect(await tail('numbered', '-n', '0')).toEqual([]);
  });

  it('--from earliest prints all; with -n the first ones', async () => {
    expect(values(await tail('numbered', '--from', 'earliest'))).toEqual(NUMBERED.map(({ value }) => value));
    expect(values(await tail('numbered', '--from', 'earliest', '-n', '4'))).toEqual(['0', '1', '2', '3']);
  });

  it('--from a time begins, in each partition, where the first record is that is not older', async () => {
    const late = values(await tail('late', '--from', '1970-01-01T00:00:00.020Z'));
    // what lies behind the place stays there, also where it is older
    expect(late).toEqual(['b', 'c', 'late', 'd']);
    const printed = await topo(['tail', 'numbered', '-n', '3', '--data', data]);
    const time = printed.stdout.slice(0, 23);
    expect(values(await tail('numbered', '--from', time))).toEqual(['597', '598', '599']);
    expect(await tail('numbered', '--from', '2030-01-01')).toEqual([]);
    expect(values(await tail('numbered', '--from', '1969-12-31T23:00:00-01:00', '-n', '2'))).toEqual(['0', '1']);
  });

  it('--partition prints one; --from an offset begins there', async () => {
    const of = (lines: readonly Line[]) => lines.map(({ partition, offset }) => [partition, offset]);
    expect(of(await tail('numbered', '--partition', '1', '-n', '2'))).toEqual([
      [1, 396],
      [1, 398],
    ]);
    expect(of(await tail('numbered', '--partition', '1', '--from', '394'))).toEqual([
      [1, 394],
      [1, 396],
      [1, 398],
    ]);
    expect(values(await tail('numbered', '--partition', '2', '--from', 'earliest', '-n', '2'))).toEqual(['2', '5']);
    const refused = async (...args: string[]) => topo(['tail', 'numbered', '--data', data, ...args]);
    expectRefusal(await refused('--from', '5'), 'TOPO_USAGE');
    expectRefusal(await refused('--partition', '3'), 'TOPO_TOPIC_UNKNOWN');
    const beyond = await refused('--partition', '1', '--from', '401');
    expectRefusal(beyond, 'TOPO_INPUT_INVALID');
    expect(beyond.stderr).toContain('it begins at 0 and ends before 400');
  });

  it('--key prints the last ten of one key, however far back they lie', async () => {
    const wanted = NUMBERED.filter(({ key }) => key === 'k3').map(({ value }) => value);
    expect(values(await tail('numbered', '--key', 'k3'))).toEqual(wanted.slice(-10));
    expect(values(await tail('numbered', '--key', 'k3', '--from', 'earliest'))).toEqual(wanted);
    expect(await tail('numbered', '--key', 'k')).toEqual([]);
  });

  it('never reorders a partition: a late record stays behind what was written before it', async () => {
    expect(values(await tail('late'))).toEqual(['a', 'b', 'c', 'late', 'd']);
    expect(values(await tail('late', '-n', '3'))).toEqual(['c', 'late', 'd']);
  });

  it('an empty topic has no last record', async () => {
    expect(await tail('empty')).toEqual([]);
  });

  it('prints bytes that are no UTF-8 as base64, repeated headers as an array, and null as null', async () => {
    const { stdout } = await topo(['tail', 'odd', '--json', '--data', data]);
    expect(stdout.split('\n')).toEqual([
      '{"topic":"odd","partition":0,"offset":0,"timestamp":5,"key":null,"value":null,"headers":{}}',
      '{"topic":"odd","partition":0,"offset":2,"timestamp":6,"key":{"base64":"//4="},"value":{"base64":"gA=="},"headers":{}}',
      '{"topic":"odd","partition":0,"offset":4,"timestamp":7,"key":"läut","value":"{\\"a\\":1}","headers":{"one":"1","two":["a",null],"raw":{"base64":"/w=="},"__proto__":"x"}}',
      '',
    ]);
  });

  it('without --json prints a line a record, for people', async () => {
    const { stdout } = await topo(['tail', 'numbered', '-n', '1', '--data', data]);
    expect(stdout).toBe('1970-01-01 00:00:00.599  2:398  k4  599\n');
  });

  it('a reader that goes first ends it without an error', async () => {
    const live = startTopo(['tail', 'numbered', '--from', 'earliest', '--data', data]);
    live.child.stdout!.destroy();
    const [code] = await new Promise<[number | null]>(resolve => live.child.on('close', exit => resolve([exit])));
    expect(code).toBe(0);
  });

  it('-f goes on with what is written meanwhile, until it is told to stop', async () => {
    const live = startTopo(['tail', 'followed', '-f', '-n', '1', '--data', data]);
    await live.line(() => true).catch(() => {}); // no such topic yet: it ends
    await fillTopic(data, 'followed', 2, [
      { key: 'a', value: 'before' },
      { key: 'a', value: 'last' },
    ]);
    const following = startTopo(['tail', 'followed', '-f', '-n', '1', '--json', '--data', data]);
    await following.line(line => line.includes('"last"'));
    const written = await topo(['produce', 'followed', '--data', data], { input: '{"key":"b","value":"new"}\n' });
    expect(written.code).toBe(0);
    await following.line(line => line.includes('"new"'));
    const { code, stdout, stderr } = await following.stop('SIGINT');
    expect({ code, stderr, lines: stdout.split('\n').length }).toEqual({ code: 0, stderr: '', lines: 2 });
  });
});
