/** Cleaning (retention, compaction) will write a segment's content anew, as its next generation. */
const GENERATION = 0;
const NAME = /^(\d{8,})\.(\d+)\.seg$/;

export const segmentName = (number: number): string => `${String(number).padStart(8, '0')}.${GENERATION}.seg`;

/** The segment numbers among a folder's files, ascending. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .map(name => NAME.exec(name))
    .filter(match => match !== null)
    .map(match => Number(match[1]))
    .sort((a, b) => a - b);
}
