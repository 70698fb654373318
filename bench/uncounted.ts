import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What of the compiled engine counts and measures, and what stands there without; by file. Each must be found. */
const COUNTING: readonly (readonly [file: RegExp, found: RegExp, without: string])[] = [
  [/^(?!global-table|counters)/, /(?:if \(countsIn\)\s*)?\b(?:\w+\.)*values\[[^\]\n]*(?:IN|OUT)\]\+\+;/g, ';'],
  [/./, /\bsite\.appended\(row\);/g, ''],
  [
    /^input\./,
    /if \(this\.#taken\+\+ === 0\)\s*this\.#firstTakenMs = timestamp;\s*this\.#lastTakenMs = timestamp;/,
    '',
  ],
  [/^task\./, /for \(const timestampMs of times\)\s*if \(isTime\(timestampMs\)\)\s*latencies\.endToEnd\([^;]*;/, ';'],
  [/^worker\./, /latencies\.(?:turn|commit)\([^;]*;/g, ''],
  [/^worker\./, /clock\.elapsedMs\(\)/g, '0'],
  [/^store\./, /this\.(?:lookups|misses)\+\+;/g, ''],
];

/** Copies the compiled engine to `to`, without what its figures cost. @throws Error where something of that is not found */
export function writeUncounted(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  const runtime = join(to, 'src', 'runtime');
  const files = readdirSync(runtime, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.js'));
  const missing = new Set(COUNTING);
  for (const file of files) {
    let text = readFileSync(join(runtime, file), 'utf8');
    for (const rule of COUNTING) {
      const [of, found, without] = rule;
      const left = of.test(file) ? text.replace(found, without) : text;
      if (left !== text) missing.delete(rule);
      text = left;
    }
    writeFileSync(join(runtime, file), text);
  }
  if (missing.size > 0)
    throw new Error(`the engine counts in other ways: ${[...missing].map(([, rule]) => rule).join()}`);
}
