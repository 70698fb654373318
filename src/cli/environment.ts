import type { Command } from 'commander';
import { TopologyError } from '../errors.ts';

const ON = ['1', 'true'];
const OFF = ['0', 'false'];

/**
 * Takes the variables away that set nothing, before commander reads those of a command or the ones below it: an empty one, and that of a
 * switch which says no (commander takes a switch for set by any value). @throws TopologyError `TOPO_USAGE` for a switch that says neither
 */
export function readEnvironment(command: Command, environment: NodeJS.ProcessEnv): void {
  for (const { envVar, required, optional } of command.options) {
    if (envVar === undefined) continue;
    const value = environment[envVar];
    const isSwitch = !required && !optional;
    if (value === '' || (isSwitch && OFF.includes(value!))) delete environment[envVar];
    else if (isSwitch && value !== undefined && !ON.includes(value))
      throw new TopologyError('TOPO_USAGE', `${envVar} is '${value}': it is 1 or true, 0 or false.`);
  }
  for (const below of command.commands) readEnvironment(below, environment);
}
