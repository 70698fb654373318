// Makes the commands of this package runnable in its own checkout: `npx topo` looks into node_modules/.bin first, and npm links
// there only the commands of dependencies.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const links = join(root, 'node_modules', '.bin');
const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

for (const [name, path] of Object.entries(bin)) {
  const file = join(root, path);
  chmodSync(file, 0o755);
  // installed as somebody's dependency, npm has linked it already
  if (process.platform === 'win32' || !existsSync(join(root, 'tsconfig.build.json'))) continue;
  mkdirSync(links, { recursive: true });
  rmSync(join(links, name), { force: true });
  symlinkSync(relative(links, file), join(links, name));
}
