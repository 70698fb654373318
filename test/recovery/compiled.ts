import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');
const SOURCES = ['src', 'topologies', 'test/recovery'];
/** As a package whose name resolves to itself, as in the project. */
const PACKAGE = { name: 'topo-streams', type: 'module', exports: { '.': './src/index.js', './run': './src/run.js' } };
const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

/** The sources as they are now, as plain JavaScript in a temporary folder: a process that runs them starts three times as fast. */
export function compileSources(): Disposable & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'topo-compiled-'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify(PACKAGE));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const source of SOURCES)
    for (const file of readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
      const { outputText } = ts.transpileModule(readFileSync(join(ROOT, source, file), 'utf8'), {
        compilerOptions: OPTIONS,
      });
      const target = join(folder, source, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, outputText);
    }
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
