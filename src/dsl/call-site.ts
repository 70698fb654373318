import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder above `dsl`: frames in it are the library's own. */
const LIBRARY = fileURLToPath(new URL('..', import.meta.url));

/** Where the topology file called into the library: `topologies/claims.ts:12`; empty where the stack does not tell. */
export function callSite(): string {
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  for (const frame of frames) {
    const place = frame.trim().replace(/^at (async )?/, '');
    const inside = place.endsWith(')') ? place.slice(place.lastIndexOf('(') + 1, -1) : place;
    const [, path, line] = /^(.+):(\d+):\d+$/.exec(inside) ?? [];
    if (path === undefined || path.startsWith('node:')) continue;
    const file = path.startsWith('file:') ? fileURLToPath(path.replace(/\?.*$/, '')) : path;
    if (!file.startsWith(LIBRARY)) return `${relative(process.cwd(), file)}:${line}`;
  }
  return '';
}
