import { InvalidArgumentError } from 'commander';

/** Partitions of a topic that a command makes. */
export const DEFAULT_PARTITIONS = 4;

/** Readers of option values. What they throw, commander puts behind the option's name. */

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return text => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It takes a whole number ${range}.`);
  };
}

/** Of a folder or an address: nothing at all would mean another one than nobody says anything. */
export function someText(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It takes some text.');
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000 };

/** The longest that a timer of Node waits. */
const LONGEST_MS = 2 ** 31 - 1;

/** `20 s`, `500ms`, `2 min`, or milliseconds. */
export function durationMs(text: string): number {
  const [, digits, unit = 'ms'] = /^\s*(\d{1,12}(?:\.\d{1,3})?)\s*(ms|s|min|h)?\s*$/.exec(text) ?? [];
  const ms = Math.round(Number(digits) * UNITS[unit]!);
  if (ms <= LONGEST_MS) return ms;
  throw new InvalidArgumentError('It takes a duration such as 20s, 500ms or 2min, up to 24 days.');
}

const SIZES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ...['K', 'M', 'G', 'T'].flatMap((prefix, index): [string, number][] => [
    [`${prefix}iB`, 1024 ** (index + 1)],
    [`${prefix}B`, 1000 ** (index + 1)],
  ]),
]);

/** `512MiB`, `1.5 GiB`, `2GB`, or bytes. */
export function sizeBytes(text: string): number {
  const [, digits, unit = ''] = /^\s*(\d{1,15}(?:\.\d{1,3})?)\s*([A-Za-z]*)\s*$/.exec(text) ?? [];
  const factor = SIZES.get(unit);
  if (digits === undefined || factor === undefined)
    throw new InvalidArgumentError('It takes a size such as 512MiB, 1.5GiB or 2GB.');
  return Math.round(Number(digits) * factor);
}
