import type { Headers } from '../src/records/headers.ts';

/** Headers as name → text; no name is repeated. */
export const headerTexts = (headers: Headers): Record<string, string> =>
  Object.fromEntries(headers.map(([name, value]) => [name, Buffer.from(value ?? []).toString()]));
