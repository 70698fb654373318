// Compiled by `npm run types`, never run. Each `@ts-expect-error` is a mistake that must not compile.
import { topology, within } from '../../src/index.ts';
import type { Stream } from '../../src/index.ts';
import { claims, isA, policies } from './domain.ts';

topology('stream joins', t => {
  const left = t.stream(claims);
  const right = t.stream(policies);
  const window = within('10 s', { grace: '1 s' });

  isA<Stream<string, string>>(left.join('inner', right, window, (claim, policy) => claim.id + policy.product));
  isA<Stream<string, string>>(left.leftJoin('left', right, window, (claim, policy) => claim.id + policy?.product));
  isA<Stream<string, string>>(
    left.outerJoin('outer', right, window, (claim, policy, record) => `${record.key} ${claim?.id} ${policy?.product}`),
  );
  left.join('self', left, within({ before: 0, after: '1 h' }), (a, b) => a.id + b.id, { onDrop: 'dead-letter' });
  // null values never reach a joiner
  t.stream(claims, { tombstones: true }).join('tombstones', right, window, claim => claim.id);

  const byNumber = right.keyBy('by-number', policy => policy.product.length);
  // @ts-expect-error -- keys are strings here, numbers there
  left.join('numbers', byNumber, window, () => 1);
  // @ts-expect-error -- the same where there may be no partner
  left.leftJoin('numbers-3', byNumber, window, () => 1);
  // @ts-expect-error -- the same on both sides that may be missing
  left.outerJoin('numbers-2', byNumber, window, () => 1);

  // @ts-expect-error -- a left join may find no partner
  left.leftJoin('left-2', right, window, (claim, policy) => claim.id + policy.product);
  // @ts-expect-error -- an outer join may have no left record
  left.outerJoin('outer-2', right, window, claim => claim.id);
  // @ts-expect-error -- two streams meet in a window
  left.join('no-window', right, () => 1);
  // @ts-expect-error -- a duration is no window
  left.join('duration', right, '10 s', () => 1);
  // @ts-expect-error -- a table has no window: its row is that of the moment
  left.join('table', t.table('policies', policies), window, () => 1);
  // @ts-expect-error -- nothing says when a table's row stops waiting for a left record
  left.outerJoin('table-2', t.table('policies-2', policies), window, () => 1);
  // @ts-expect-error -- not a duration
  within('10 seconds');
  // @ts-expect-error -- one end is missing
  within({ before: '10 s' });
});
