import { windowText } from '../../serdes/windowed.ts';

// Keys of a step whose store holds all sessions of a key in one value.

/** Behind the key, so that no store key is empty. */
const MARK = '\0';

export const sessionsKey = (key: string): string => key + MARK;

export const sessionKeyOf = (storeKey: string): string => storeKey.slice(0, -MARK.length);

/** The windowed key of a session. */
export const rowKey = (key: string, { start, last }: { readonly start: number; readonly last: number }): string =>
  key + windowText(start, last);
