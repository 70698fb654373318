import { json, store, string, topic, topology } from '../../src/index.ts';
import type { Stream } from '../../src/index.ts';

export const input = topic('in', string(), string());
export const out = topic('out', string(), string());

/** Text in, text out. */
export const built = (steps: (stream: Stream<string, string>) => Stream<string, string>) =>
  topology('t', t => steps(t.stream(input)).to(out));

/** Reminds of a key once it was left alone for 10 ms; value `done` ends it. */
export const overdue = built(stream =>
  stream.process('step', {
    stores: { open: store(string()), seen: store(string(), json<number>()) },
    forwards: string(),
    record(value, { key, timestamp, stores, timers }) {
      stores.seen.put(value, (stores.seen.get(value) ?? 0) + 1);
      if (value === 'done') {
        stores.open.delete();
        timers.cancel('remind');
        return;
      }
      stores.open.put(`${key}:${value}`);
      timers.set('remind', timestamp + 10);
    },
    timers: {
      remind({ key, timestamp, stores, forward }) {
        forward(`${stores.open.get()} of ${key} at ${timestamp}`);
        stores.open.delete();
      },
    },
  }),
);
