import { expect, test } from 'vitest';
import { Schedule, TimeLog } from '../../src/runtime/schedule.ts';
import { Unit } from '../../src/runtime/unit.ts';
import { Dice, seedOf } from '../seed.ts';

const scheduled = (fired: string[] = []) => {
  const log = new TimeLog();
  const entries = {
    fire: (key: string, due: number) => fired.push(`${key}@${due}`),
    discard: () => null,
    dueOf: () => null,
  };
  return { log, schedule: new Schedule('step', entries, log, new Unit()), fired };
};

test('what is removed is not kept until it would have been due, however many share its time', () => {
  const { schedule, log, fired } = scheduled();
  for (let round = 0; round < 20_000; round++) {
    const due = 1_000_000 + (round % 3) * 1000;
    schedule.add(due, `k${round}`);
    schedule.remove(due, `k${round}`);
    log.closeEpoch();
  }
  schedule.add(2_000_000, 'last');
  expect(schedule.next).toBe(2_000_000);
  schedule.advance(3_000_000);
  expect(fired).toEqual(['last@2000000']);
});

test('random adds, removals, firings and units taken back: what fires is what a sorted list of all entries would fire', () => {
  const seed = seedOf('schedule');
  const dice = new Dice(seed);
  for (let round = 0; round < 50; round++) {
    const { schedule, log, fired } = scheduled();
    let model: { due: number; key: string }[] = [];
    const expected: string[] = [];
    for (let step = 0; step < 300; step++) {
      log.begin();
      const [due, key] = [schedule.now + 1 + dice.below(30), `k${dice.below(200)}`];
      if (!model.some(one => one.due === due && one.key === key)) {
        schedule.add(due, key);
        model.push({ due, key });
      }
      const whole = [...model];
      for (let n = dice.below(3); n > 0 && model.length > 0; n--) {
        const [gone] = model.splice(dice.below(model.length), 1);
        schedule.remove(gone!.due, gone!.key);
      }
      if (dice.below(4) === 0) {
        log.rollback();
        // what was added stays: an entry too many does no harm
        model = whole;
      }
      log.endUnit();
      if (dice.below(5) > 0) continue;
      const now = schedule.now + dice.below(20);
      const dueNow = model.filter(one => one.due <= now).sort((a, b) => a.due - b.due || (a.key < b.key ? -1 : 1));
      expected.push(...dueNow.map(one => `${one.key}@${one.due}`));
      model = model.filter(one => one.due > now);
      log.begin();
      schedule.advance(now);
      log.endUnit();
    }
    expect(fired, `seed ${seed}, round ${round}`).toEqual(expected);
  }
});
