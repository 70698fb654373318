import { protobuf, string, topic, topology } from '../../../src/index.ts';
import { LocalItem } from '../../gen/bench/nexmark/v1/results.ts';
import { OUT } from '../../lines/line.ts';
import { localItems } from '../naive.ts';
import { auctions, persons } from '../topics.ts';
import type { Query } from './query.ts';

const results = protobuf(LocalItem);

/** What local sellers sell in one category: a table of auctions joined with that of persons. */
export const q3: Query = {
  name: 'q3',
  results,
  isTable: true,
  topology: () =>
    topology('q3', t => {
      const locals = t.table('persons', persons).filter(({ state }) => ['OR', 'ID', 'CA'].includes(state));
      t.table('auctions', auctions)
        .filter(({ category }) => category === 10)
        .join(
          'with-seller',
          locals,
          ({ seller }) => String(seller),
          ({ id }, { name, city, state }): LocalItem => ({ auction: id, name, city, state }),
        )
        .to(topic(OUT, string(), results));
    }),
  expected: localItems,
};
