import { undecodable } from './refusal.ts';

/** Of a bigint as text: to read as many takes some 10 ms, and the time grows faster than their number. */
export const MAX_DIGITS = 100_000;

/** Whether an integer as text, its sign included, has more digits than that. */
export const hasTooManyDigits = (text: string): boolean => text.length - Number(text.startsWith('-')) > MAX_DIGITS;

/** @throws RecordError `TOPO_DECODE` on too many digits */
export function bigintOf(text: string): bigint {
  if (hasTooManyDigits(text)) throw undecodable(`an integer of more than ${MAX_DIGITS} digits`);
  return BigInt(text);
}
