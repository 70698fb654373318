// Builds the package after `npm ci`. The first `npx topo` in a checkout makes npm link the checkout into its cache, and prepare it
// once more: what is built then stays as it is.
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const isBuilt = existsSync(join(import.meta.dirname, '..', 'dist', 'cli', 'main.js'));
if (process.env.npm_command !== 'exec' || !isBuilt) execSync('npm run build', { stdio: 'inherit' });
