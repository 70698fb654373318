import { kindOf, shortPath } from './refusal.ts';

/** What is nested deeper is refused; nearly always it holds itself. */
export const MAX_DEPTH = 100;

/** Of an object literal, a parser or a decoder: no class whose methods would be lost. */
export function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The names of what an object holds. As in JSON, a property that is undefined is not there. */
export function namesOf(object: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(object);
  return names.every(name => object[name] !== undefined) ? names : names.filter(name => object[name] !== undefined);
}

/**
 * Plain data is null, booleans, numbers, bigints, strings, bytes (`Uint8Array`), and arrays and plain objects of them.
 * @returns what of `value` is something else and where, "a function at .items[0].price"; null where nothing is
 */
export function plainDataProblem(value: unknown): string | null {
  const problem = problemOf(value, 0);
  return problem && `${problem.found}${problem.path === '' ? '' : ` at ${shortPath(problem.path)}`}`;
}

interface Problem {
  readonly found: string;
  readonly path: string;
}

function problemOf(value: unknown, depth: number): Problem | null {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return null;
    case 'object':
      return value === null || value instanceof Uint8Array ? null : partProblem(value, depth);
    default:
      return { found: kindOf(value), path: '' };
  }
}

/** The path is put together on the way out, where there is a problem. */
function partProblem(value: object, depth: number): Problem | null {
  if (depth === MAX_DEPTH) return { found: `more than ${MAX_DEPTH} levels`, path: '' };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const problem = problemOf(value[index], depth + 1);
      if (problem) return { found: problem.found, path: `[${index}]${problem.path}` };
    }
    return null;
  }
  if (!isPlainObject(value)) return { found: `an instance of ${classOf(value)}`, path: '' };
  for (const name of namesOf(value)) {
    const problem = problemOf(value[name], depth + 1);
    if (problem) return { found: problem.found, path: `.${name}${problem.path}` };
  }
  return null;
}

const classOf = (value: object): string =>
  (Object.getPrototypeOf(value) as { constructor?: { name?: string } }).constructor?.name ?? 'a class';

/** Whether two pieces of plain data hold the same; the order of an object's properties does not matter. */
export function samePlainData(a: unknown, b: unknown): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
  return sameProperties(a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>);
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => samePlainData(item, b[index]));
}

function sameProperties(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = namesOf(a);
  return (
    names.length === namesOf(b).length && names.every(name => Object.hasOwn(b, name) && samePlainData(a[name], b[name]))
  );
}
