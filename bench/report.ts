import type { Comparison } from './comparison.ts';
import type { SerdeFigure } from './serdes.ts';

/** Below this a bare loop costs so little that a ratio says nothing: then so many µs may be added. */
const CHEAP_CPU_SECONDS = 1;
const ALLOWED_EXTRA = 0.3;
const ALLOWED_RATIO = 1.5;

/** Where a line has no bare loop. */
const NONE = '-';

const HEADER = `
CPU: seconds of all threads, user and system, a million records; of a whole run, its start included.
ratio: CPU of the engine to CPU of the bare loop, the median of the rounds' own ratios. time: the same of wall time.
Aim: ratio <= ${ALLOWED_RATIO}, or at most ${ALLOWED_EXTRA} s above a bare loop that takes less than ${CHEAP_CPU_SECONDS} s.`;

export function tableOf(lines: readonly Comparison[]): string {
  const rows = lines.map(line => [
    line.name,
    line.recordsPerSecond.toLocaleString('en'),
    line.cpuSecondsPerMillion.toFixed(2),
    line.bareCpuSecondsPerMillion?.toFixed(2) ?? NONE,
    line.ratioToBare?.toFixed(2) ?? NONE,
    line.wallRatio?.toFixed(2) ?? NONE,
    String(line.peakMemoryMb),
    aimOf(line),
  ]);
  return [
    HEADER,
    '',
    ...columns([['line', 'records/s', 'CPU s/M', 'bare', 'ratio', 'time', 'peak MB', 'aim'], ...rows]),
  ].join('\n');
}

export function serdeLines(figures: readonly SerdeFigure[]): string {
  const rows = figures.map(({ name, ours, protobufjsStatic, ratio }) => [
    name,
    `${ours.toFixed(0)} ns`,
    `${protobufjsStatic.toFixed(0)} ns`,
    ratio.toFixed(2),
    ratio <= ALLOWED_RATIO ? 'met' : 'missed',
  ]);
  return ['', ...columns([['Protobuf', 'ours', 'protobufjs static', 'ratio', 'aim'], ...rows])].join('\n');
}

function aimOf({ ratioToBare: ratio, cpuSecondsPerMillion, bareCpuSecondsPerMillion: bare }: Comparison): string {
  if (ratio === undefined || bare === undefined) return NONE;
  const isCheap = bare < CHEAP_CPU_SECONDS && cpuSecondsPerMillion - bare <= ALLOWED_EXTRA;
  return ratio <= ALLOWED_RATIO || isCheap ? 'met' : 'missed';
}

/** The first column to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows.map(row =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}
