import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TopoError, TopologyError } from '../errors.ts';
import { oneParagraph } from './error-text.ts';
import { framesOf, frameText, isUsers, shortPath } from './stack.ts';

/**
 * Why a user's file does not load, as an error with the place in that file. What the library itself refused keeps its code.
 * `file` is the path as the user gave it, `path` the same in full.
 */
export function explainLoadFailure(error: unknown, file: string, path: string): Error {
  if (error instanceof TopoError) {
    const place = placeInFile(error, path);
    if (error instanceof TopologyError && place !== undefined && !error.message.includes(shortPath(path)))
      return new TopologyError(
        error.code,
        `${error.message} (${place})`,
        { ...error.place, path: file },
        { cause: error },
      );
    return error;
  }
  const failed = (what: string) => new TopologyError('TOPO_FILE_FAILED', what, {}, { cause: error });
  if (!(error instanceof Error)) return failed(`${file} threw something that is no Error while it was loaded.`);
  const problem = oneParagraph(error.message).replace(/\.$/, '');
  if (error.name === 'TransformError') return failed(syntaxError(file, path, transformFault(error.message)));
  if (error instanceof SyntaxError) return failed(syntaxError(file, path, syntaxFault(error, path)));
  if (isModuleError(error)) return failed(`${file} does not load: ${problem}. ${moduleAdvice(problem)}`);
  const place = placeInFile(error, path);
  return failed(`${place ?? file} threw while it was loaded: ${error.name}: ${problem}.`);
}

/** The first frame of the stack that lies in the file, or else in another one of the user's: `topologies/claims.ts:12:5`. */
function placeInFile(error: Error, path: string): string | undefined {
  const frames = framesOf(error).filter(isUsers);
  const frame = frames.find(one => one.path === path) ?? frames[0];
  return frame && frameText(frame);
}

/** Where a syntax error is, as far as it is known, and what it is. */
interface SyntaxFault {
  readonly path?: string | undefined;
  /** `line:column` */
  readonly place?: string | undefined;
  readonly problem: string;
}

function syntaxError(file: string, path: string, { path: faulty = '', place, problem }: SyntaxFault): string {
  const what = oneParagraph(problem).replace(/\.$/, '');
  if (place === undefined) return `${file}, or a file that it imports, has a syntax error: ${what}.`;
  const imported = faulty === path ? '' : `${file} does not load: `;
  return `${imported}${shortPath(faulty)}:${place} has a syntax error: ${what}.`;
}

/** esbuild's `Transform failed with 1 error:`, then lines `path:line:column: ERROR: problem`. Its columns count from 0. */
function transformFault(message: string): SyntaxFault {
  const [, path, line, column, problem] = /^(.+?):(\d+):(\d+): ERROR: (.+)$/m.exec(message) ?? [];
  return path === undefined
    ? { problem: message }
    : { path, place: `${line}:${Number(column) + 1}`, problem: problem! };
}

/** Node's own: where its stack begins with the place; else `node --check` knows it. */
function syntaxFault(error: SyntaxError, path: string): SyntaxFault {
  return { ...(placeAbove(error.stack ?? '') ?? placeAbove(checkWithNode(path))), problem: error.message };
}

/** `path:line`, the line itself, and a caret below its column. */
function placeAbove(text: string): Pick<SyntaxFault, 'path' | 'place'> | undefined {
  const [first = '', , caret = ''] = text.split('\n');
  const [, place, line] = /^((?:file:\/\/)?(?:\/|[A-Za-z]:\\).*):(\d+)$/.exec(first) ?? [];
  if (place === undefined) return undefined;
  return { path: place.startsWith('file:') ? fileURLToPath(place) : place, place: `${line}:${caret.indexOf('^') + 1}` };
}

const checkWithNode = (path: string): string =>
  spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' }).stderr;

const MODULE_CODES = [
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_REQUIRE_CYCLE_MODULE',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
];

function isModuleError(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && MODULE_CODES.includes(error.code);
}

function moduleAdvice(problem: string): string {
  if (/package '/.test(problem)) return 'Install it (`npm install`) where that file is.';
  return /in a cycle/.test(problem)
    ? 'It is an ES module in a package that does not say so: add "type": "module" to its package.json, or name the file .mjs or .ts.'
    : 'Check the path of the import.';
}
