import type { StoredEntry } from './chain.ts';
import type { TaskSchedule } from './compile.ts';
import type { Schedule, TimeLog } from './schedule.ts';
import type { Store } from './store.ts';

/** A scheduled store's entry whose timestamp is its step's stream time; its value tells whether something due by it is still to go. */
const STREAM_TIME_KEY = '';
const NOTHING_LEFT = new Uint8Array(0);
const LEFT_DUE = Uint8Array.of(1);

/** What falls due in a task's steps. */
export class TaskSchedules {
  constructor(
    private readonly schedules: readonly TaskSchedule[],
    private readonly times: TimeLog,
  ) {}

  /** Makes them from what their stores hold. */
  async open(entriesOf: (store: Store) => AsyncIterable<StoredEntry>): Promise<void> {
    for (const { schedule, store, time } of this.schedules) {
      let now = -1;
      let isLeftDue = false;
      for await (const [key, value, timestamp] of entriesOf(store)) {
        if (key === STREAM_TIME_KEY) {
          now = timestamp;
          isLeftDue = value.length > 0;
        } else {
          const due = schedule.entries.dueOf(key, value, timestamp);
          if (due !== null) schedule.add(due, key);
        }
      }
      schedule.begin(time === 'stream' ? now : -1, isLeftDue);
    }
  }

  /** Those of which something is due by the clock. */
  dueByClock(now: number): Schedule[] {
    const due: Schedule[] = [];
    for (const { schedule, time } of this.schedules)
      if (time === 'wall' && schedule.next < Infinity) {
        schedule.now = now;
        if (schedule.next <= now) due.push(schedule);
      }
    return due;
  }

  /** Puts the times that moved into the stores. */
  closeEpoch(): void {
    for (const { schedule, store, time } of this.schedules) {
      if (time === 'stream' && schedule.hasMoved)
        store.put(STREAM_TIME_KEY, schedule.isLeftDue ? LEFT_DUE : NOTHING_LEFT, schedule.now);
      schedule.closeEpoch();
    }
    this.times.closeEpoch();
  }

  /** Back to the end of the last closed epoch. */
  abort(): void {
    for (const { schedule } of this.schedules) schedule.abort();
    this.times.abort();
  }
}
