/** Of q5: bids of 10 s, every 2 s. Windows begin at multiples of this from 1970 on, with and without bids before them. */
export const HOT_ITEMS_WINDOW_MS = 10_000;
export const HOT_ITEMS_ADVANCE_MS = 2_000;

/** Of q7 and q8. */
export const WINDOW_MS = 10_000;

/**
 * Of q11: two bids of one bidder this far apart belong together still. A tenth of Nexmark's, since a bidder is active for
 * 5 s at the generator's own rate, and would have a single session.
 */
export const SESSION_GAP_MS = 1_000;

/**
 * Of q11: how far bids can fall behind stream time behind a repartition, to which several tasks write, each at its own pace: on a
 * busy machine one task is a commit of 20 s ahead of another.
 */
export const BIDS_DISORDER_MS = 60_000;

/** Of q11: 200 s of event time in a run of 500,000 events, so that most sessions close while bids still come. */
export const SLOW_EVENTS_PER_SECOND = 2_500;

/** Of q8: the same of auctions that meet persons, who come without a repartition, and may all be there before the first auction. */
export const AUCTIONS_DISORDER_MS = 60_000;
