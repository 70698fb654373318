import { realpathSync } from 'node:fs';
import { register as registerHook } from 'node:module';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { register as registerTypeScript } from 'tsx/esm/api';
import { explainLoadFailure } from './load-failure.ts';

/**
 * What a user's file exports. TypeScript is loaded without a look at its types, and the file's `topo-streams` is this very copy of the
 * package. @throws TopologyError `TOPO_FILE_FAILED`, and what the file itself is refused for
 */
export async function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  // as stacks name it
  const path = realpathSync(file);
  registerLoaders();
  try {
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw explainLoadFailure(error, file, path);
  }
}

let registered = false;

/** For the rest of the process: a topology's functions may import when they are first called. */
function registerLoaders(): void {
  if (registered) return;
  registered = true;
  registerTypeScript();
  registerHook(`./typescript-hook${extname(import.meta.url)}`, import.meta.url);
}
