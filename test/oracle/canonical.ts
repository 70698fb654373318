/** The input of Kafka Streams' documentation of its joins: every meeting of values and tombstones, in order. */
export const CANONICAL =
  'L ~@1, R ~@2, L A@3, R a@4, L B@5, R b@6, L ~@7, R ~@8, L C@9, R c@10, R ~@11, L ~@12, R ~@13, R d@14, L D@15';

/** The same, then with updates that come out of order. */
export const OUT_OF_ORDER =
  'L ~@1, R ~@2, L A@3, R a@4, L B@5, R b@6, L ~@7, R ~@8, L C@9, R c@10, R ~@11, L ~@12, R ~@13, R d@7, L D@6, ' +
  'L ~@2, R ~@3, R e@14, L E@15, L ~@10, R ~@9, L F@4, R f@3';
