#!/usr/bin/env node
import { CommanderError } from 'commander';
import { errorText, reportOf } from './error-text.ts';
import { EXIT, exitCodeOf, ReportedFailure } from './exit-codes.ts';
import { endWithReader } from './output.ts';
import { createProgram } from './program.ts';
import { usageError } from './usage-error.ts';

const args = process.argv.slice(2);
const quoting = { verbose: args.includes('--verbose'), runs: args.find(arg => !arg.startsWith('-')) === 'run' };

endWithReader();
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

try {
  await createProgram().parseAsync(args, { from: 'user' });
  end(EXIT.ok);
} catch (error) {
  fail(error);
}

function fail(thrown: unknown): void {
  if (thrown instanceof ReportedFailure) return end(thrown.exitCode);
  const error = thrown instanceof CommanderError ? usageError(thrown, args) : thrown;
  if (error === undefined) return end(EXIT.ok);
  process.stderr.write(`${errorText(error, quoting)}\n`);
  end(exitCodeOf(reportOf(error, quoting).code));
}

/** A topology file may leave timers or connections open: they do not keep the command. What was printed goes out first. */
function end(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
