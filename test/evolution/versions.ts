import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { message, protobuf } from '../../src/serdes/index.ts';
import type { MessageType, Serde } from '../../src/serdes/index.ts';

const BIN = join(import.meta.dirname, '../../node_modules/.bin');
const PATH = `${BIN}${delimiter}${process.env['PATH'] ?? ''}`;

/** Runs a program of the project in a folder. */
export function runIn(folder: string, command: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, PATH },
    shell: process.platform === 'win32',
  });
  return { status, stdout, text: `${stdout.toString()}${stderr.toString()}` };
}

/** `claims.v1.Claim` as it was at one time: a folder with its `.proto`, and what buf makes of it. */
export interface Version<T> {
  readonly folder: string;
  readonly serde: Serde<T>;
}

/** Versions of one message, each in a folder of its own, until they are disposed of. */
export class Versions implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'topo-evolution-'));
  #count = 0;

  /** `definitions`: what the file holds, `message Claim` and whatever it refers to. */
  compile<T>(definitions: string): Version<T> {
    const folder = join(this.#root, `v${this.#count++}`);
    mkdirSync(join(folder, 'proto/claims/v1'), { recursive: true });
    writeFileSync(join(folder, 'buf.yaml'), 'version: v2\nmodules:\n  - path: proto\nbreaking:\n  use:\n    - WIRE\n');
    const file = `syntax = "proto3";\n\npackage claims.v1;\n\n${definitions}\n`;
    writeFileSync(join(folder, 'proto/claims/v1/claim.proto'), file);
    const built = runIn(folder, 'buf', ['build', '--as-file-descriptor-set', '--exclude-source-info', '-o', '-']);
    if (built.status !== 0) throw new Error(built.text);
    const type: MessageType<T> = message('claims.v1.Claim', built.stdout.toString('base64'));
    return { folder, serde: protobuf(type) };
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** What `buf breaking` finds, by the rules of its WIRE category; empty where it finds nothing. */
export function breaking(before: Version<never>, now: Version<never>): string {
  const { status, text } = runIn(now.folder, 'buf', ['breaking', '--against', before.folder]);
  return status === 0 ? '' : text;
}
