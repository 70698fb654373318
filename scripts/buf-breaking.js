// Compares the protos with what they were before their last change: with the last commit while they are being changed, else with
// the commit before the one that changed them last. Nothing to compare with, as in a first commit or outside of git, is no break.
import { spawnSync } from 'node:child_process';

const git = (...args) =>
  spawnSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).stdout?.trim() ?? '';

const isChanged = git('status', '--porcelain', '--', 'proto') !== '';
const lastChange = git('log', '-1', '--format=%H', '--', 'proto');
const base = isChanged ? 'HEAD' : `${lastChange}~1`;
if (lastChange === '' || !git('ls-tree', '-r', '--name-only', base, '--', 'proto').includes('.proto')) {
  console.log('buf breaking: there are no earlier protos to compare with');
} else {
  const args = ['breaking', '--against', `.git#ref=${git('rev-parse', base)}`];
  const { status } = spawnSync('buf', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  console.log(
    `buf breaking: ${status === 0 ? 'nothing broken' : 'broken'} since ${git('log', '-1', '--format=%h %s', base)}`,
  );
  process.exitCode = status ?? 1;
}
