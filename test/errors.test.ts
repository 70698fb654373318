import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../src/errors.ts';

const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
const documented = [...text.matchAll(/^### (TOPO_\w+)$/gm)].map(([, code]) => code!);

describe('docs/errors.md', () => {
  it('explains every code there is, and no other', () => {
    expect([...documented].sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });

  it('explains each once', () => {
    expect(new Set(documented).size).toBe(documented.length);
  });

  it('says of each what it means and what to do', () => {
    for (const section of text.split(/^### /m).slice(1)) expect(section).toMatch(/\n\n.+\n\n\*\*What to do:\*\* .+/);
  });
});
