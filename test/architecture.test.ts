import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, '../src');

/**
 * Who may import whom, by folder or file of `src`. The DSL writes the graph, the runtime reads it, adapters implement the
 * runtime's ports, and only the composition roots name adapters.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  records: ['errors'],
  serdes: ['errors'],
  graph: ['errors', 'records', 'serdes'],
  dsl: ['errors', 'graph', 'serdes'],
  index: ['dsl', 'errors', 'graph', 'serdes', 'records'],
  runtime: ['errors', 'graph', 'records', 'serdes'],
  adapters: ['errors', 'records', 'runtime/ports'],
  sample: ['errors', 'records', 'runtime/ports'],
  run: ['adapters', 'dsl/on-error', 'errors', 'graph', 'runtime', 'sample'],
  metrics: ['errors', 'run', 'runtime'],
  testing: ['adapters', 'dsl/on-error', 'errors', 'graph', 'records', 'runtime', 'serdes'],
  cli: ['adapters', 'dsl', 'errors', 'graph', 'metrics', 'records', 'run', 'runtime', 'sample', 'serdes'],
  'protoc-gen-topo': ['errors', 'serdes'],
};

/** What these folders may take from outside besides Node's own modules; others may take anything the package depends on. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  graph: [],
  // types only: `pipe` takes its operators
  dsl: ['rxjs'],
  records: ['@node-rs/crc32'],
  serdes: [],
  runtime: ['rxjs'],
};

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'));

const importsWhere = (wanted: (statement: ts.ImportDeclaration | ts.ExportDeclaration) => boolean) =>
  new Map(
    files.map(file => {
      const source = ts.createSourceFile(file, readFileSync(join(SOURCE, file), 'utf8'), ts.ScriptTarget.Latest);
      const names = source.statements.flatMap(statement =>
        (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) &&
        statement.moduleSpecifier &&
        wanted(statement)
          ? [(statement.moduleSpecifier as ts.StringLiteral).text]
          : [],
      );
      return [file, names] as const;
    }),
  );

const imports = importsWhere(() => true);
/** Without `import type`: types may name one another in a circle (a stream groups into a table, a table has a stream). */
const valueImports = importsWhere(statement =>
  ts.isImportDeclaration(statement) ? statement.importClause?.isTypeOnly !== true : !statement.isTypeOnly,
);

const partOf = (file: string) => file.replace(/\.ts$/, '').split('/')[0]!;

const resolved = (file: string, name: string) => relative(SOURCE, join(SOURCE, dirname(file), name));

test('every arrow between folders is allowed', () => {
  const wrong: string[] = [];
  for (const [file, names] of imports) {
    const part = partOf(file);
    const allowed = MAY_IMPORT[part];
    if (!allowed) wrong.push(`${file}: '${part}' is not in the picture`);
    for (const name of names.filter(one => one.startsWith('.'))) {
      const target = resolved(file, name).replace(/\.ts$/, '');
      const ok = partOf(target) === part || allowed?.some(one => target === one || target.startsWith(`${one}/`));
      if (!ok) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the inner folders take nothing from outside but what they name', () => {
  const wrong: string[] = [];
  for (const [file, names] of imports) {
    const allowed = OUTSIDE[partOf(file)];
    for (const name of names)
      if (
        allowed &&
        !name.startsWith('.') &&
        !name.startsWith('node:') &&
        !allowed.some(one => name === one || name.startsWith(`${one}/`))
      )
        wrong.push(`${file} imports ${name}`);
  }
  expect(wrong).toEqual([]);
});

test('there is no import cycle', () => {
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    state.set(file, 'open');
    for (const name of valueImports.get(file) ?? [])
      if (name.startsWith('.')) visit(resolved(file, name), [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  expect(cycles).toEqual([]);
});

test('the runtime takes time, chance and I/O from its ports', () => {
  const wrong = files
    .filter(file => partOf(file) === 'runtime')
    .filter(file =>
      /Date\.now|Math\.random|setTimeout|setInterval|setImmediate|node:fs|performance\.now/.test(
        readFileSync(join(SOURCE, file), 'utf8'),
      ),
    );
  expect(wrong).toEqual([]);
});
