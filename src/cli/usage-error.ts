import type { CommanderError } from 'commander';
import { TopologyError } from '../errors.ts';
import { oneParagraph } from './error-text.ts';

/** What commander refused, as an error of ours; undefined where it only showed help or the version. */
export function usageError(
  { code, exitCode, message }: CommanderError,
  args: readonly string[],
): TopologyError | undefined {
  if (exitCode === 0) return undefined;
  const command = args.find(arg => !arg.startsWith('-'));
  if (code === 'commander.help')
    return new TopologyError(
      'TOPO_USAGE',
      command === undefined
        ? 'no command was given: name one of those above.'
        : `\`topo ${command}\` needs a command behind it: name one of those above.`,
    );
  const problem = oneParagraph(message.replace(/^error: /, ''))
    .replace(/\(Did you mean (.+?)\?\)$/, '— did you mean $1?')
    .replace(/([^.?])$/, '$1.');
  const isCommand = command !== undefined && code !== 'commander.unknownCommand';
  return new TopologyError('TOPO_USAGE', `${problem} See \`topo ${isCommand ? `${command} ` : ''}--help\`.`);
}
