import { realpathSync, statSync } from 'node:fs';
import { register as registerHook } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { register as registerTypeScript } from 'tsx/esm/api';
import { TopologyError } from '../errors.ts';
import { isTopology } from '../graph/brand.ts';
import type { Topology } from '../graph/topology.ts';
import { explainLoadFailure } from './load-failure.ts';

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs'];

/**
 * The topology that a file exports: its default, or its only one. TypeScript is loaded without a look at its types, and the file's
 * `topo-streams` is this very copy of the package.
 * @throws TopologyError `TOPO_FILE_NOT_FOUND`, `TOPO_FILE_FAILED`, `TOPO_NO_TOPOLOGY`, and what the file itself is refused for
 */
export async function loadTopology(file: string): Promise<Topology> {
  checkFile(file, resolve(file));
  // as stacks name it
  const path = realpathSync(file);
  registerLoaders();
  let exported: Readonly<Record<string, unknown>>;
  try {
    exported = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw explainLoadFailure(error, file, path);
  }
  return topologyIn(exported, file);
}

function checkFile(file: string, path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new TopologyError(
      'TOPO_FILE_NOT_FOUND',
      `there is no file ${file}${file === path ? '' : ` in ${process.cwd()}`}. Name the file that exports the topology.`,
      { path: file },
    );
  if (!found.isFile() || !EXTENSIONS.includes(extname(path)))
    throw new TopologyError(
      'TOPO_FILE_FAILED',
      `${file} is ${found.isFile() ? 'no TypeScript or JavaScript file' : 'a folder'}. ` +
        `Name the file that exports the topology; its name ends in ${EXTENSIONS.join(', ')}.`,
      { path: file },
    );
}

let registered = false;

/** For the rest of the process: a topology's functions may import when they are first called. */
function registerLoaders(): void {
  if (registered) return;
  registered = true;
  registerTypeScript();
  registerHook(`./typescript-hook${extname(import.meta.url)}`, import.meta.url);
}

function topologyIn(exported: Readonly<Record<string, unknown>>, file: string): Topology {
  const isDefault = exported['default'];
  if (isTopology(isDefault)) return isDefault;
  // a CommonJS file's exports are its default's properties too: one object under two names is one topology
  const found = new Map(
    Object.entries(exported).flatMap(([name, value]) => (isTopology(value) ? [[value, name]] : [])),
  );
  const [only] = found.keys();
  if (only !== undefined && found.size === 1) return only;
  throw new TopologyError(
    'TOPO_NO_TOPOLOGY',
    found.size > 1
      ? `${file} exports several topologies (${[...found.values()].join(', ')}) and none of them by default. ` +
          'Export the one to run by default: `export default topology(…)`.'
      : `${file} exports no topology. Export it by default: \`export default topology('name', t => { … })\`.`,
    { path: file },
  );
}
