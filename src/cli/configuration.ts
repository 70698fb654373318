import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { Command, Option } from 'commander';
import { TopologyError } from '../errors.ts';
import { didYouMean, nearNames } from './near-names.ts';

/** In the working directory; the first that is there counts. */
const FILES = ['ts', 'mts', 'js', 'mjs'].map(extension => `topo.config.${extension}`);

/** As commander calls where a value comes from. */
const SOURCE = 'config';

/** The options behind a name: `--no-sample` is one of `sample`. */
export type Setting = readonly [Option, ...Option[]];

/**
 * The options of a command that may be set by the environment and by `topo.config.ts`: those that have a variable. Others are about
 * one call, and are flags only.
 */
export function settingsOf(command: Command): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const option of command.options) {
    const name = option.attributeName();
    if (option.envVar !== undefined) settings.set(name, [...(settings.get(name) ?? []), option] as unknown as Setting);
  }
  return settings;
}

/**
 * Sets what `topo.config.ts` names, and neither flag nor environment, as options of the command about to run. `run` has all there are.
 * @throws TopologyError `TOPO_USAGE` for what is no setting, or has a value that its flag would not take
 */
export async function applyConfiguration(command: Command, run: Command): Promise<void> {
  const file = configurationFile();
  if (file === undefined) return;
  const known = settingsOf(run);
  const own = settingsOf(command);
  for (const [name, value] of Object.entries(await valuesIn(file))) {
    const setting = known.get(name);
    if (setting === undefined) throw unknown(file, name, [...known.keys()]);
    const read = readAs(setting, value, file);
    if (own.has(name) && !['cli', 'env'].includes(command.getOptionValueSource(name) ?? ''))
      command.setOptionValueWithSource(name, read, SOURCE);
  }
}

/** Who says so, in the user's words; undefined where neither flag nor environment nor file does. */
export function sourceOf(command: Command, setting: Setting): string | undefined {
  const name = setting[0].attributeName();
  const isOff = command.getOptionValue(name) === false;
  const option = setting.find(one => one.negate === isOff) ?? setting[0];
  switch (command.getOptionValueSource(name)) {
    case 'cli':
      return option.long;
    case 'env':
      return option.envVar;
    case SOURCE:
      return configurationFile();
    default:
      return undefined;
  }
}

const configurationFile = (): string | undefined => FILES.find(name => existsSync(name));

async function valuesIn(file: string): Promise<Readonly<Record<string, unknown>>> {
  // who has no file does not pay for the TypeScript loader
  const { importFile } = await import('./import-file.ts');
  const { default: values } = await importFile(file);
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) return values as Record<string, unknown>;
  throw refused(file, 'it exports no settings. Export them by default: `export default { partitions: 8 }`.');
}

/** A value as the flag's text would be read; a switch takes true and false besides. */
function readAs(setting: Setting, value: unknown, file: string): unknown {
  const isSwitch = setting.some(option => option.negate);
  const option = setting.find(one => !one.negate);
  if (isSwitch && typeof value === 'boolean') return value;
  const name = setting[0].attributeName();
  if (option === undefined) throw refused(file, `${name} takes true or false.`);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw refused(file, `${name} takes text${isSwitch ? ', true or false' : ' or a number'}.`);
  const text = String(value);
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, undefined);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError || error instanceof TopologyError)) throw error;
    throw refused(file, `${name} has a value that it does not take. ${error.message}`);
  }
}

const refused = (file: string, problem: string): TopologyError =>
  new TopologyError('TOPO_USAGE', `${file}: ${problem}`, { path: file });

function unknown(file: string, name: string, known: readonly string[]): TopologyError {
  const near = didYouMean(nearNames(name, known)) || ` There are ${known.join(', ')}.`;
  return refused(file, `there is no setting '${name}'.${near}`);
}
