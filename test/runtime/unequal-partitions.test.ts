import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { TestWorld, record, short } from './world.ts';

const rows = topic('rows', string(), string());
const wide = topic('wide', string(), string());
const output = topic('out', string(), string());

test('a store is found by its own partitioning, where its task reads a wider topic besides', async () => {
  await using world = await TestWorld.open();
  await world.topic('rows', 2);
  await world.topic('wide', 8);
  const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
  await world.write('rows', ...keys.map((key, n) => record(`${key}=v@${n}`)));
  const application = await world.start(
    topology('t', t => {
      const table = t.table('kept', rows);
      table
        .toStream()
        .merge(t.stream(wide, { tombstones: true }))
        .to(output);
    }),
  );
  await application.idle();
  for (const key of keys) expect(await application.store('kept').get(key)).toBe('v');
});

test('a wider source may join later: its dead letters go to the partitions there are', async () => {
  await using world = await TestWorld.open();
  await world.topic('rows', 2);
  await world.topic('wide', 8);
  await world.runToIdle(topology('t', t => t.stream(rows).to(output)));
  const broken = topology('t', t => {
    t.stream(rows).to(output);
    t.stream(wide)
      .map((): object => {
        throw new Error('no');
      })
      .to(topic('mapped', string(), json()));
  });
  const application = await world.start(broken);
  await world.write('wide', ...Array.from({ length: 20 }, (_, n) => record(`k${n}=v@${n}`)));
  await application.idle();
  expect(short(await world.read('t.dead-letters'))).toHaveLength(20);
});
