import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const folders = ['.', 'docs', 'docs/decisions'];
const pages = folders.flatMap(folder =>
  readdirSync(join(ROOT, folder))
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name)),
);

test('links between pages lead to a page and a heading that are there', () => {
  const broken = pages.flatMap(page =>
    [...prose(page).matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)/g)]
      .filter(([, to, anchor]) => {
        const target = to === '' ? page : join(dirname(page), to!);
        return !existsSync(join(ROOT, target)) || (anchor !== undefined && !headings(target).has(anchor));
      })
      .map(([link]) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

/** Without code, where brackets and parentheses mean something else. */
const prose = (page: string): string => readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');

/** As GitHub makes anchors of them. */
const headings = (page: string): Set<string> =>
  new Set(
    [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
      text!.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'),
    ),
  );
