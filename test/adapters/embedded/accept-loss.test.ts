import { expect, test } from 'vitest';
import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import type { MemoryDisk } from '../../../src/adapters/embedded/memory-disk.ts';
import type { BrokerReader, Log } from '../../../src/runtime/ports.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { Dice, seedOf } from '../../seed.ts';
import { readTopic, writeTopic } from '../../topic-records.ts';
import type { TopicRecord } from '../../topic-records.ts';
import { cleanedDisk } from './cleaned-disk.ts';
import { FatedDisk } from './fated-disk.ts';
import { copyOf, numbersLog } from './memory-logs.ts';

const seed = seedOf('accept-loss');
const FIRST = '00000000.0.seg';

interface Told {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What an opening says. */
class Notes implements Log {
  readonly lost: Told[] = [];
  readonly messages: string[] = [];
  info(_: unknown, message: string): void {
    this.messages.push(message);
  }
  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    this.messages.push(message);
    if (message === 'these offsets are lost') this.lost.push(fields as unknown as Told);
  }
  error = this.info.bind(this);
}

const textOf = ({ key, value, timestamp }: Pick<TopicRecord, 'key' | 'value' | 'timestamp'>): string =>
  JSON.stringify([key, value, timestamp]);

/** Every record of a log, by its place; and where each partition ends. */
async function contents(view: BrokerReader) {
  const records = new Map<string, string>();
  const [starts, ends] = [new Map<string, number>(), new Map<string, number>()];
  for (const { name, partitions } of await view.topics()) {
    for (const record of await readTopic(view, name))
      records.set(`${name}-${record.partition}@${record.offset}`, textOf(record));
    for (let partition = 0; partition < partitions; partition++) {
      const [range] = await view.offsets([{ topic: name, partition }]);
      starts.set(`${name}-${partition}`, range!.start);
      ends.set(`${name}-${partition}`, range!.end);
    }
  }
  return { records, starts, ends };
}

/** A clock that stands: what is there is not deleted for its age meanwhile. */
const open = (disk: MemoryDisk, clock: ManualClock, options: { acceptLoss?: boolean; log?: Log } = {}) =>
  openEmbeddedBroker({ disk, clock, recentBytes: 0, ...options });

const isTold = (told: readonly Told[], place: string): boolean => {
  const [partition, offset] = place.split('@') as [string, string];
  return told.some(
    ({ topic, partition: number, from, to }) =>
      `${topic}-${number}` === partition && from <= Number(offset) && Number(offset) <= to,
  );
};

/** By a policy. */
function isDeleted(place: string, starts: ReadonlyMap<string, number>): boolean {
  const [partition, offset] = place.split('@') as [string, string];
  return Number(offset) < (starts.get(partition) ?? 0);
}

const changes: Readonly<Record<string, (bytes: Buffer, dice: Dice) => Buffer | undefined>> = {
  'a flipped bit': (bytes, dice) => {
    bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8);
    return bytes;
  },
  'a page of zeros': (bytes, dice) => {
    const at = dice.below(bytes.length);
    return bytes.fill(0, at, Math.min(bytes.length, at + 512));
  },
  'a cut': (bytes, dice) => bytes.subarray(0, dice.below(bytes.length)),
  'no file': () => undefined,
};

async function logs() {
  const clock = new ManualClock(100_000);
  const closed = await cleanedDisk('closed');
  const killed = await cleanedDisk('killed');
  return [
    { disk: await numbersLog(8, 1_000_000, 'closed'), clock, model: undefined },
    { disk: await numbersLog(12, 4000, 'killed'), clock, model: undefined },
    { disk: await numbersLog(12, 4000, 'closed'), clock, model: undefined },
    closed,
    killed,
  ];
}

test(
  'whatever is damaged: it is refused, then accepted, and then all is there but what was told',
  { timeout: 240_000 },
  async () => {
    const dice = new Dice(seed);
    const counts = { refused: 0, accepted: 0, hopeless: 0 };
    for (const [at, { disk, clock, model }] of (await logs()).entries()) {
      const whole = await open(await copyOf(disk), clock);
      const before = await contents(whole);
      await whole.close();
      // what a policy had deleted may come back where that it did is lost
      const written = (place: string) => {
        const [partition, offset] = place.split('@') as [string, string];
        const record = model?.records.get(partition)?.[Number(offset)];
        return record === undefined ? before.records.get(place) : textOf(record);
      };
      for (let round = 0; round < 40; round++) {
        const how = dice.oneOf(Object.keys(changes));
        const victims = Array.from({ length: 1 + dice.below(2) }, () => dice.oneOf([...disk.files.keys()]));
        const label = `log ${at}, round ${round}: ${how} in ${victims.join(', ')}`;
        const broken = await copyOf(disk, (name, bytes) =>
          victims.includes(name) && bytes.length > 0 ? changes[how]!(bytes, dice) : bytes,
        );
        const refusal = await open(await copyOf(broken), clock).then(
          async broker => {
            // what lies in sealed files is checked when it is read
            const read = contents(broker).then(
              () => undefined,
              (error: unknown) => error,
            );
            return read.finally(() => broker.close());
          },
          (error: unknown) => error,
        );
        if (broken.files.size === 0) continue; // nothing says that there was a log
        if (refusal !== undefined) counts.refused++;
        const notes = new Notes();
        const accepting = open(broken, clock, { acceptLoss: true, log: notes });
        const broker = await accepting.catch((error: unknown) => error as Error & { code: string });
        if (broker instanceof Error) {
          expect(broker.message, label).toMatch(/No segment says any more which log it is of|another version of Topo/);
          counts.hopeless++;
          continue;
        }
        if (refusal !== undefined) {
          expect(notes.messages.join('\n'), label).toContain('the loss is accepted');
          counts.accepted++;
        }
        const after = await contents(broker);
        for (const [place, record] of after.records) expect(record, `${label}: ${place}`).toBe(written(place));
        const isUnfinished = notes.messages.includes('dropped an unfinished commit at the end of the log');
        const isMore = notes.messages.some(message => /of which nothing tells|whose creation is lost/.test(message));
        if (!isUnfinished && !isMore) {
          for (const place of before.records.keys())
            if (!after.records.has(place) && !isDeleted(place, after.starts))
              expect(isTold(notes.lost, place), `${label}: ${place} is gone`).toBe(true);
          for (const [partition, end] of after.ends)
            expect(end, `${label}: the end of ${partition}`).toBeGreaterThanOrEqual(before.ends.get(partition)!);
        }
        for (const place of after.records.keys())
          expect(isTold(notes.lost, place), `${label}: ${place} is there`).toBe(false);
        // it goes on, and needs no more acceptance
        const [topic] = (await broker.topics()).map(({ name }) => name);
        if (topic !== undefined)
          await writeTopic(broker, topic, [{ key: 'k', value: 'later', timestamp: clock.now() }]);
        const now = await contents(broker);
        expect(now.records.size, label).toBe(after.records.size + (topic === undefined ? 0 : 1));
        await broker.close();
        const again = await open(broken, clock);
        expect(await contents(again), label).toEqual(now);
        await again.close();
      }
    }
    process.stdout.write(`accept-loss: ${JSON.stringify(counts)}\n`);
    expect(counts.accepted).toBeGreaterThan(100);
  },
);

test('a log that is whole is left as it is', async () => {
  for (const { disk, clock } of await logs()) {
    const copy = await copyOf(disk);
    const notes = new Notes();
    const broker = await open(copy, clock, { acceptLoss: true, log: notes });
    expect(notes.messages).toEqual(['the log was read whole: nothing of it is lost']);
    await broker.close();
    expect([...copy.files.keys()].filter(name => name.includes('damaged'))).toEqual([]);
  }
});

test('of a frame with one bad batch the others stay, and what was there is kept beside', async () => {
  const disk = await numbersLog(8, 1_000_000, 'closed');
  const clock = new ManualClock(100_000);
  const bytes = disk.files.get(FIRST)!.bytes;
  bytes[bytes.indexOf('b 3')]! ^= 1;
  const damaged = Buffer.from(bytes);
  await expect(open(disk, clock)).rejects.toMatchObject({ code: 'TOPO_LOG_DAMAGED' });
  const notes = new Notes();
  const broker = await open(disk, clock, { acceptLoss: true, log: notes });
  // nobody wrote what these tasks say to have read
  const lost = notes.lost.filter(({ partition }) => partition > 2);
  expect(lost).toMatchObject([{ topic: 'numbers', partition: 3, offsets: 2 }]);
  expect(await broker.groupOffsets('numbering')).toMatchObject([{ offset: 8 }, { offset: 8 }, { offset: 8 }]);
  const { from } = lost[0]!;
  expect((await broker.offsets([{ topic: 'numbers', partition: 3 }]))[0]).toMatchObject({ lostBefore: from + 2 });
  await broker.deleteRecords([{ topic: 'numbers', partition: 3, offset: from + 2 }]);
  expect((await broker.offsets([{ topic: 'numbers', partition: 3 }]))[0]).not.toHaveProperty('lostBefore');
  await broker.close();
  expect(disk.files.get(`${FIRST}.damaged`)!.bytes).toEqual(damaged);
});

test('a process that dies at any operation of an acceptance leaves a log that is refused or accepted, with all that is left', async () => {
  const disk = await numbersLog(12, 4000, 'closed');
  const clock = new ManualClock(100_000);
  const names = [...disk.files.keys()];
  const broken = () => copyOf(disk, (name, bytes) => (name === names[1] ? undefined : bytes));
  const accepted = await open(await broken(), clock, { acceptLoss: true });
  const expected = await contents(accepted);
  await accepted.close();
  for (let at = 1, hasEnded = false; !hasEnded; at++) {
    const copy = await broken();
    const dying = new FatedDisk(copy, at, (_, writePart) => writePart().then(() => Promise.reject(new Error('died'))));
    hasEnded = await openEmbeddedBroker({ disk: dying, clock, acceptLoss: true })
      .then(broker => broker.close())
      .then(
        () => true,
        () => false,
      );
    const left = await copyOf(copy);
    const refusal = await open(left, clock).then(
      async broker => void (await broker.close()),
      (error: unknown) => error,
    );
    if (refusal !== undefined) expect(refusal, `operation ${at}`).toMatchObject({ code: 'TOPO_LOG_DAMAGED' });
    const broker = await open(left, clock, { acceptLoss: true });
    expect(await contents(broker), `operation ${at}`).toEqual(expected);
    await broker.close();
  }
});
