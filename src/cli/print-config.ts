import type { Command } from 'commander';
import { defaultMemory } from '../adapters/machine-memory.ts';
import type { ErrorPolicy } from '../graph/error-policy.ts';
import { DEFAULT_SAMPLE, sampleText } from '../sample/sample-options.ts';
import type { SampleOptions } from '../sample/sample-options.ts';
import { settingsOf, sourceOf } from './configuration.ts';
import { loadTopology } from './load-topology.ts';
import { printTable } from './output.ts';
import { sizeText } from './size-text.ts';

/** Prints each setting of `topo run`, and who says so: flag, environment, `topo.config.ts`, the topology's file, or nobody. */
export async function printConfig(command: Command, files: readonly string[]): Promise<void> {
  const ofFiles: string[][] = [];
  for (const file of files) {
    const { onError } = await loadTopology(file);
    if (onError !== undefined) ofFiles.push(['onError', policyText(onError), file]);
  }
  const rows = [...settingsOf(command)].flatMap(([name, setting]): string[][] => {
    const value = command.getOptionValue(name) as Value;
    const source = sourceOf(command, setting);
    const own = source === undefined && name === 'onError' ? ofFiles : [];
    return own.length === files.length ? own : [...own, [name, valueText(name, value), source ?? defaultOf(name)]];
  });
  await printTable([['setting', 'value', 'from'], ...rows]);
}

/** What is done where nobody says anything, and what is there already does not tell. */
const UNSET: Readonly<Record<string, string>> = { partitions: '4', onError: 'dead-letter', port: 'none' };

/** Who says so where nobody does. */
const defaultOf = (name: string): string => (name === 'memory' ? `default: ${defaultMemory().of}` : 'default');

type Value = SampleOptions | string | number | boolean | undefined;

function valueText(name: string, value: Value): string {
  if (name === 'memory') return sizeText((value as number | undefined) ?? defaultMemory().bytes);
  if (value === undefined) return UNSET[name]!;
  if (name === 'shutdownTimeout') return `${value as number} ms`;
  // a feed that was begun goes on as it was
  if (name === 'sample' && value === true) return sampleText(DEFAULT_SAMPLE);
  if (typeof value === 'object') return sampleText(value);
  return String(value);
}

function policyText(policy: ErrorPolicy): string {
  if (typeof policy === 'function') return 'a function';
  if (typeof policy === 'string') return policy;
  return `${policy.times} retries from ${policy.backoffMs} ms on, then ${policyText(policy.then)}`;
}
