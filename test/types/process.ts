// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import { json, store, string, topology } from '../../src/index.ts';
import type { Stream } from '../../src/index.ts';
import { claims, isA } from './domain.ts';
import type { Claim } from './domain.ts';

topology('process', t => {
  const stream = t.stream(claims);

  const reminders = stream.process('overdue', {
    stores: { open: store(json<Claim>()), counts: store(string(), json<number>()) },
    forwards: string(),
    record(claim, { key, timestamp, stores, timers, forward }) {
      isA<Claim>(claim);
      isA<string>(key);
      isA<Claim | null>(stores.open.get());
      isA<number | null>(stores.counts.get(key));
      stores.open.put(claim);
      timers.set('remind', timestamp);
      timers.set('expire', timestamp);
      forward(claim.id);
      // @ts-expect-error -- a store's value of another type
      stores.open.put('claim');
      // @ts-expect-error -- a key of another type
      stores.counts.get(5);
      // @ts-expect-error -- this store is by the record's key
      stores.open.get('C-1');
      // @ts-expect-error -- no such store
      stores.closed.get();
      // @ts-expect-error -- no such timer
      timers.set('reminder', timestamp);
      // @ts-expect-error -- forwards text
      forward(claim);
      // @ts-expect-error -- the key is not changed here
      forward(claim.id, { key: 'P-1' });
    },
    timers: {
      remind({ key, stores, timers, forward }) {
        isA<string>(key);
        forward(stores.open.get()?.id ?? key);
        timers.cancel('expire');
        // @ts-expect-error -- no such timer
        timers.cancel('expiry');
      },
    },
    clockTimers: { expire: ({ stores }) => stores.open.delete() },
    intervals: {
      hourly: {
        every: '1 h',
        run({ stores, forward, ...context }) {
          forward(`${stores.counts.get('all')} at ${context.timestamp}`);
          // @ts-expect-error -- an interval belongs to no key
          isA<string>(context.key);
          // @ts-expect-error -- so it has no timers
          context.timers.set('remind', 5);
        },
      },
    },
  });
  isA<Stream<string, string>>(reminders);

  const kept = stream.process('kept', { record: (claim, { forward }) => forward(claim) });
  isA<Stream<string, Claim>>(kept);
  stream.process('no-timers', {
    // @ts-expect-error -- it declares none
    record: (claim, { timers }) => timers.set('remind', claim.paidCents),
  });
  // @ts-expect-error -- no duration
  stream.process('no-duration', { record: () => {}, intervals: { hourly: { every: '1 hour', run: () => {} } } });
});

topology('twins', t => {
  const stream = t.stream(claims, { tombstones: true });

  isA<Stream<string, Claim>>(stream.dedupe('dedupe', { by: claim => claim.id, within: '1 h' }));
  // @ts-expect-error -- an object is no id
  stream.dedupe('dedupe-2', { by: claim => claim, within: '1 h' });
  // @ts-expect-error -- for how long?
  stream.dedupe('dedupe-3', { by: claim => claim.id });

  isA<Stream<string, string[]>>(stream.scan('scan', (ids, { id }) => [...ids, id], [], json<string[]>()));
  // @ts-expect-error -- a seed of another type than the state
  stream.scan('scan-2', (ids, { id }) => [...ids, id], 0, json<string[]>());

  isA<Stream<string, Claim>>(stream.distinctUntilChanged('status', { by: claim => claim.status }));
  stream.distinctUntilChanged('paid', (a, b) => a.paidCents === b.paidCents);
  // @ts-expect-error -- objects are never the same
  stream.distinctUntilChanged('object', { by: claim => claim });

  isA<Stream<string, [Claim, Claim]>>(stream.pairwise('pairwise'));
  isA<Stream<string, Claim[]>>(stream.bufferCount('bufferCount', 3));
  isA<Stream<string, Claim[]>>(stream.bufferTime('bufferTime', '5 s'));
  isA<Stream<string, Claim>>(stream.debounceTime('debounceTime', '5 s'));
  isA<Stream<string, Claim>>(stream.throttleTime('throttleTime', 5000));
  // @ts-expect-error -- no duration
  stream.throttleTime('throttleTime-2', '5 seconds');
});
