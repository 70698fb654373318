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
 * How far records can fall behind stream time where several tasks write into one topic, each at its own pace: what is grouped or
 * joined behind a repartition waits for so long.
 */
export const DISORDER_MS = 60_000;
