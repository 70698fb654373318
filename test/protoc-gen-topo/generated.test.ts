import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const buf = join(root, 'node_modules/@bufbuild/buf/bin/buf');

test.each([
  ['buf.gen.yaml', 'topologies/gen'],
  ['buf.gen.bench.yaml', 'bench/gen'],
  ['buf.gen.test.yaml', 'test/serdes/gen'],
])('the committed code of %s is what `npm run gen` writes', (template, out) => {
  const folder = mkdtempSync(join(tmpdir(), 'topo-gen-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync(process.execPath, [buf, 'generate', '--template', template, '--output', folder], {
    cwd: root,
    stdio: 'pipe',
  });
  const files = (base: string) =>
    readdirSync(base, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts'))
      .sort();
  const generated = files(join(folder, out));
  expect(generated.length).toBeGreaterThan(0);
  expect(generated).toEqual(files(join(root, out)));
  for (const name of generated) {
    expect(readFileSync(join(folder, out, name), 'utf8'), name).toBe(readFileSync(join(root, out, name), 'utf8'));
  }
});
