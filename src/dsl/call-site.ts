import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folders that frames of the library itself lie in: as it runs, and as source maps tell it. */
const PACKAGE = new URL('../..', import.meta.url);
const LIBRARY = ['src/', 'dist/'].map(folder => fileURLToPath(new URL(folder, PACKAGE)));

/** Where the topology file called into the library: `topologies/claims.ts:12`; empty where the stack does not tell. */
export function callSite(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  for (const frame of frames) {
    const place = frame.trim().replace(/^at (async )?/, '');
    const inside = place.endsWith(')') ? place.slice(place.lastIndexOf('(') + 1, -1) : place;
    const [, path, line] = /^(.+):(\d+):\d+$/.exec(inside) ?? [];
    if (path === undefined || path.startsWith('node:')) continue;
    const file = path.startsWith('file:') ? fileURLToPath(path.replace(/\?.*$/, '')) : path;
    if (!LIBRARY.some(folder => file.startsWith(folder))) return `${relative(process.cwd(), file)}:${line}`;
  }
  return '';
}
