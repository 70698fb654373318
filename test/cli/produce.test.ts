import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../src/records/murmur2.ts';
import { fillTopic } from './fill-topic.ts';
import { expectRefusal, project, temporaryFolder, topo } from './topo.ts';

const line = (value: unknown) =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));

describe('produce', () => {
  it('writes what tail printed, byte for byte', async () => {
    const data = temporaryFolder();
    await fillTopic(data, 'first', 2, [
      {
        key: 'a',
        value: '{"n": 1}',
        timestamp: 1,
        headers: [
          ['h', Buffer.from('1')],
          ['h', Buffer.from([0xff])],
          ['g', null],
        ],
      },
      { key: Buffer.from([0xff]), value: Buffer.from([1, 0x80]), timestamp: 2 },
      { key: 'a', value: null, timestamp: 3 },
      { key: 'b', value: '', timestamp: 4 },
    ]);
    const { stdout: printed } = await topo(['tail', 'first', '--from', 'earliest', '--json', '--data', data]);
    const written = await topo(['produce', 'second', '--create', '--partitions', '1', '--data', data], {
      input: printed,
    });
    expect(written).toEqual({ code: 0, stdout: '4 records written to second\n', stderr: '' });
    const { stdout: again } = await topo(['tail', 'second', '--from', 'earliest', '--json', '--data', data]);
    const plain = (text: string) =>
      text
        .trim()
        .split('\n')
        .map(one => ({ ...(JSON.parse(one) as object), topic: '', partition: 0, offset: 0 }));
    expect(plain(again)).toEqual(plain(printed));
  });

  it('encodes with the serdes of the manifest, and reads int64 and bytes back as tail prints them', async () => {
    const text = `
import { debezium, row, topology } from 'topo-streams';
export default topology('copy', t => {
  const changes = debezium('db.claims', row<{ id: string; amount: bigint }>(), { key: 'id' });
  t.stream(changes).to(changes);
});`;
    const cwd = project({
      'copy.ts': text.replace(
        '.to(changes)',
        ".filter(() => false).to(debezium('db.copies', row<{ id: string; amount: bigint }>(), { key: 'id' }))",
      ),
    });
    expect(await topo(['run', 'copy.ts', '--exit-when-idle'], { cwd })).toMatchObject({ code: 0 });
    const change = {
      before: null,
      after: { id: 'C-1', amount: 5 },
      source: { version: '3', connector: 'postgresql', name: 'db', ts_ms: 7, ts_ns: '1767225006810298001', db: 'db' },
      op: 'c',
      ts_ms: 8,
    };
    const input = line({ key: 'C-1', value: change, timestamp: 9, headers: {} });
    expect(await topo(['produce', 'db.claims'], { cwd, input })).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await topo(['tail', 'db.claims', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ key: 'C-1', value: change, timestamp: 9, headers: {} });
    const bad = await topo(['produce', 'db.claims'], { cwd, input: line({ key: 'C-1', value: { op: 'z' } }) });
    expectRefusal(bad, 'TOPO_INPUT_INVALID');
    expect(bad.stderr).toContain('its value does not encode');
    expectRefusal(await topo(['produce', 'copy-manifest'], { cwd, input }), 'TOPO_TOPIC_CONFLICT');
  });

  it('--raw takes standard input as one value', async () => {
    const data = temporaryFolder();
    await fillTopic(data, 'raw', 1, []);
    const input = Buffer.from([0x00, 0xff, 0x0a]);
    expect(await topo(['produce', 'raw', '--raw', '--key', 'k', '--data', data], { input })).toMatchObject({ code: 0 });
    const { stdout } = await topo(['tail', 'raw', '--json', '--data', data]);
    expect(JSON.parse(stdout)).toMatchObject({ key: 'k', value: { base64: 'AP8K' } });
  });

  it.each([
    ['no JSON', '{"key":"a","value":', 'it is no JSON'],
    ['no object', '7', 'it is no JSON object'],
    ['no value', '{"key":"a"}', 'it has no value'],
    ['a strange property', '{"key":"a","vlaue":1,"value":1}', 'key, value, headers, timestamp'],
    ['a strange header', '{"value":1,"headers":{"a":1}}', 'a header is neither text'],
    ['a timestamp that is none', '{"value":1,"timestamp":"today"}', 'its timestamp is no time'],
    ['a timestamp far ahead', `{"value":1,"timestamp":${Date.now() + 7_200_000}}`, 'ahead of now'],
    ['too large a record', line({ value: 'x'.repeat(1_100_000) }), 'max.message.bytes'],
  ])('a line with %s is refused by its number, and nothing is written', async (_, bad, words) => {
    const data = temporaryFolder();
    await fillTopic(data, 'orders', 1, []);
    const result = await topo(['produce', 'orders', '--data', data], {
      input: `{"value":"good"}\n\n${bad}\n{"value":"good"}\n`,
    });
    expectRefusal(result, 'TOPO_INPUT_INVALID');
    expect(result.stderr).toContain('line 3 cannot be written');
    expect(result.stderr).toContain(words);
    expect((await topo(['tail', 'orders', '--data', data])).stdout).toBe('');
  });

  it('equal keys go to the partition where Kafka puts them', async () => {
    const data = temporaryFolder();
    const input = ['a', 'b', 'c', 'd'].map(key => line({ key, value: key })).join('\n');
    expect(await topo(['produce', 'keyed', '--create', '--data', data], { input })).toMatchObject({ code: 0 });
    const { stdout } = await topo(['tail', 'keyed', '--json', '--data', data]);
    const places = stdout
      .trim()
      .split('\n')
      .map(one => JSON.parse(one) as { key: string; partition: number });
    expect(places).toHaveLength(4);
    for (const { key, partition } of places) expect(partition).toBe(partitionOf(Buffer.from(key), 4));
  });
});
