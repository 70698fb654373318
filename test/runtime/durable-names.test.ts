import { expect, test } from 'vitest';
import { json, string, topic, topology } from '../../src/index.ts';
import { TestWorld, record, short } from './world.ts';

const input = topic('in', string(), string());
const output = topic('out', string(), json<number>());

test('a store that says what it was called before goes on with its state', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 2);
  const before = topology('t', t => t.stream(input).groupByKey().count('n').to(output));
  const after = topology('t', t =>
    t.stream(input).groupByKey().count('claims-so-far', { renamedFrom: 'n' }).to(output),
  );

  await world.write('in', record('a=x@1'), record('b=x@2'), record('a=x@3'));
  await world.runToIdle(before);
  const application = await world.start(after);
  await world.write('in', record('a=x@4'));
  await application.idle();

  expect(short(await world.read('out')).filter(text => text.startsWith('a'))).toEqual(['a=1@1', 'a=2@3', 'a=3@4']);
  expect(await application.store('claims-so-far').get('b')).toBe(1);
  expect(world.warnings).toEqual([expect.stringContaining("store 'n' is 'claims-so-far' from now on")]);
});

test('a step that was left out for a while goes on as it was left, and only if it still fits', async () => {
  await using world = await TestWorld.open();
  await world.topic('in', 1);
  const counting = topology('t', t => t.stream(input).groupByKey().count('n').to(output));
  const passing = topology('t', t => t.stream(input).to(topic('copy', string(), string())));
  const joining = topology('t', t => {
    t.stream(input)
      .groupByKey()
      .reduce('n', (a, b) => a + b);
  });

  await world.write('in', record('a=x@1'));
  await world.runToIdle(counting);
  await world.write('in', record('a=x@2'));
  await world.runToIdle(passing);
  await expect(world.start(joining)).rejects.toMatchObject({ code: 'TOPO_MANIFEST_MISMATCH' });
  await world.write('in', record('a=x@3'));
  await world.runToIdle(counting);

  expect(short(await world.read('out'))).toEqual(['a=1@1', 'a=2@3']);
  expect(world.warnings).toContainEqual("step 'n' is back: its store 'n' goes on as it was left.");
});
