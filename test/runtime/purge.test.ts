import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { record, short, TestWorld } from './world.ts';

const counted = topology('t', t => {
  t.stream(topic('in', string(), string()))
    .groupBy('by-value', value => value, string())
    .count('counts')
    .to(topic('out', string(), json<number>()));
});
const AT = { topic: 't-by-value-repartition', partition: 0 };

test('what was read of a repartition topic and committed is deleted, every thirty seconds and at a start', async () => {
  const clock = new ManualClock(1000);
  await using world = await TestWorld.open();
  world.clock = clock;
  const range = async () => (await world.broker.offsets([AT]))[0];
  const application = await world.start(counted);
  await world.write('in', record('a=x@1'), record('b=x@2'));
  await application.idle();
  expect(await range()).toEqual({ start: 0, end: 2 });
  await clock.advance(30_000);
  await world.write('in', record('c=x@3'));
  await application.idle();
  await expect.poll(range).toEqual({ start: 2, end: 3 });
  await application.stop();

  const again = await world.start(counted);
  expect(await range()).toEqual({ start: 3, end: 3 });
  await world.write('in', record('d=x@4'));
  await again.idle();
  await again.stop();
  expect(short(await world.read('out'))).toEqual(['x=1@1', 'x=2@2', 'x=3@3', 'x=4@4']);
});
