// Compares the protos with those of the last commit. Nothing to compare with, as in a first commit or outside of git, is no break.
import { spawnSync } from 'node:child_process';

const run = (command, args, stdio) =>
  spawnSync(command, args, { stdio, encoding: 'utf8', shell: process.platform === 'win32' });

const committed = run('git', ['ls-tree', '-r', '--name-only', 'HEAD', '--', 'proto'], ['ignore', 'pipe', 'ignore']);
if (committed.status !== 0 || !committed.stdout.includes('.proto')) {
  console.log('buf breaking: the last commit has no protos to compare with');
} else {
  const { status } = run('buf', ['breaking', '--against', '.git#ref=HEAD'], 'inherit');
  process.exitCode = status ?? 1;
}
