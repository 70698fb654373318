/** From the largest down: its length in ms, and its name. */
const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const;

/** A duration for people, in its two largest units: `4 d 2 h`, `3 min 20 s`, `2.3 s`, `350 ms`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const at = UNITS.findIndex(([length]) => ms >= length);
  const [length, unit] = UNITS[at]!;
  const [smallLength, smallUnit] = UNITS[at + 1]!;
  const small = Math.floor((ms % length) / smallLength);
  return `${Math.floor(ms / length)} ${unit}${small === 0 ? '' : ` ${small} ${smallUnit}`}`;
}
