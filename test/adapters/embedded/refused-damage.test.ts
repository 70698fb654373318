import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import { writeTopic } from '../../topic-records.ts';

test('a log whose last commit is damaged after a clean stop is refused, and not a byte of it is touched', async () => {
  const disk = new MemoryDisk();
  const broker = await openEmbeddedBroker({ disk });
  await broker.createTopics([{ name: 't', partitions: 1, config: {} }]);
  for (let n = 0; n < 3; n++) await writeTopic(broker, 't', [{ key: 'k', value: `value ${n}`, timestamp: n }]);
  await broker.close();
  const [segment] = [...disk.files].filter(([name]) => name.endsWith('.seg')).map(([, file]) => file);
  segment!.bytes[segment!.bytes.length - 10]! ^= 1;
  const before = Buffer.from(segment!.bytes);

  await expect(openEmbeddedBroker({ disk })).rejects.toMatchObject({ code: 'TOPO_LOG_DAMAGED' });

  expect(segment!.bytes.equals(before)).toBe(true);
});
