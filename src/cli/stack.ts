import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folders that frames of the package itself lie in: as it runs, and as source maps tell it. */
const PACKAGE = new URL('../..', import.meta.url);
const LIBRARY = ['src/', 'dist/'].map(folder => fileURLToPath(new URL(folder, PACKAGE)));

export interface Frame {
  readonly path: string;
  readonly line: string;
  readonly column: string;
}

/**
 * The lines of an error's stack without its name and message, which may quote what a function was given. A message that was changed
 * since cannot be told from the rest: then there are none.
 */
export function frameLines({ message, stack = '' }: Error): string[] {
  const at = stack.indexOf(message);
  if (at < 0) return [];
  return stack
    .slice(at + message.length)
    .split('\n')
    .filter(line => /^\s+at /.test(line));
}

export function framesOf(error: Error): Frame[] {
  return frameLines(error).flatMap(text => {
    const [, place, line, column] =
      /^\s+at .*?\(?((?:file:\/\/)?\/[^()]*|[A-Za-z]:\\[^()]*):(\d+):(\d+)\)?$/.exec(text) ?? [];
    if (place === undefined) return [];
    const path = place.startsWith('file:') ? fileURLToPath(place.replace(/[?#].*$/, '')) : place.replace(/\?.*$/, '');
    return [{ path, line: line!, column: column! }];
  });
}

const isInstalled = ({ path }: Frame): boolean => path.includes(`${sep}node_modules${sep}`);
const isOfPackage = ({ path }: Frame): boolean => LIBRARY.some(folder => path.startsWith(folder));

/** Of the user's own files: neither of this package nor installed. */
export const isUsers = (frame: Frame): boolean => !isOfPackage(frame) && !isInstalled(frame);

/** The frame of the user's own file that threw, by itself or through what is installed; undefined where this package threw. */
export function throwingFrame(error: Error): Frame | undefined {
  const frame = framesOf(error).find(one => isOfPackage(one) || !isInstalled(one));
  return frame !== undefined && isUsers(frame) ? frame : undefined;
}

/** `topologies/claims.ts:12:5` */
export const frameText = ({ path, line, column }: Frame): string => `${shortPath(path)}:${line}:${column}`;

/** From the working directory on, where it lies below that. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
