// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import { bufferCount, bufferTime, concatMap, delay, filter, groupBy, map, mergeMap, timer } from 'rxjs';
import { topology } from '../../src/index.ts';
import type { Stream } from '../../src/index.ts';
import { claims, isA } from './domain.ts';
import type { Claim } from './domain.ts';

topology('pipe', t => {
  const stream = t.stream(claims);
  isA<Stream<string, Claim>>(stream.pipe(filter(({ value }) => value.id !== '')));
  isA<Stream<string, Claim[]>>(
    stream.pipe(
      bufferCount(2),
      map(list => ({ key: list[0]!.key, value: list.map(({ value }) => value) })),
    ),
  );
  isA<Stream<string, number>>(
    stream.pipe(
      groupBy(({ value }) => value.policyId),
      mergeMap(group => group.pipe(bufferCount(2))),
      map(list => ({ key: list[0]!.key, value: list.length })),
    ),
  );
  isA<Stream<string, Claim>>(stream.pipe(({ scheduler }) => delay(10, scheduler)));
  isA<Stream<string, Claim>>(
    stream.pipe(({ scheduler }) => concatMap(one => timer(10, scheduler).pipe(map(() => one)))),
  );
  isA<Stream<string, number>>(
    stream.pipe(
      ({ scheduler }) => bufferTime(1000, scheduler),
      map(list => ({ key: 'all', value: list.length, timestamp: 0, headers: [] })),
    ),
  );

  // @ts-expect-error -- another type of key: that is keyBy's
  stream.pipe(map(({ value }) => ({ key: 3, value })));
  // @ts-expect-error -- a list is no record
  stream.pipe(bufferCount(2));
});

topology('mapAsync', t => {
  const stream = t.stream(claims);
  isA<Stream<string, number>>(stream.mapAsync('score', async ({ id }, { key }) => id.length + key.length));
  // @ts-expect-error -- it returns no promise
  stream.mapAsync('score-2', ({ id }) => id);
  // @ts-expect-error -- no such order
  stream.mapAsync('score-3', async ({ id }) => id, { order: 'any' });
});
