import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');

/** Where the source of `languageService` is for the compiler. */
export const FILE = join(import.meta.dirname, 'a-topology-file.ts');

/** What an editor asks about a topology file that holds `source`. */
export function languageService(source: string): ts.LanguageService {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(ROOT, 'tsconfig.json'), path => ts.sys.readFile(path)).config,
    ts.sys,
    ROOT,
  );
  const read = (path: string) => (path === FILE ? source : ts.sys.readFile(path));
  return ts.createLanguageService({
    getScriptFileNames: () => [FILE],
    getScriptVersion: () => '1',
    getScriptSnapshot: path => {
      const text = read(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => ROOT,
    getCompilationSettings: () => options,
    getDefaultLibFileName: one => ts.getDefaultLibFilePath(one),
    fileExists: path => path === FILE || ts.sys.fileExists(path),
    readFile: read,
    directoryExists: path => ts.sys.directoryExists(path),
    getDirectories: path => ts.sys.getDirectories(path),
  });
}
