import { statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { TopologyError } from '../errors.ts';
import { isTopology } from '../graph/brand.ts';
import type { Topology } from '../graph/topology.ts';
import { importFile } from './import-file.ts';

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs'];

/**
 * The topology that a file exports: its default, or its only one.
 * @throws TopologyError `TOPO_FILE_NOT_FOUND`, `TOPO_FILE_FAILED`, `TOPO_NO_TOPOLOGY`, and what the file itself is refused for
 */
export async function loadTopology(file: string): Promise<Topology> {
  checkFile(file, resolve(file));
  return topologyIn(await importFile(file), file);
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
