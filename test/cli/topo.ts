import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What `npx topo` runs. With TOPO_TEST_SOURCE set: the same from its source, without a build. */
export const CLI = process.env['TOPO_TEST_SOURCE']
  ? ['-C', 'topo-source', '--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/main.ts')]
  : [join(ROOT, 'dist/cli/main.js')];

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TopoOptions {
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the real command to its end. */
export async function topo(
  args: readonly string[],
  { cwd = ROOT, input = '', env = {} }: TopoOptions = {},
): Promise<Result> {
  const child = spawnTopo(args, cwd, env);
  child.stdin!.on('error', () => {}); // who refuses its arguments reads nothing
  child.stdin!.end(input);
  const [stdout, stderr] = [collect(child.stdout!), collect(child.stderr!)];
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: stdout(), stderr: stderr() };
}

/** A command that goes on until it is told to stop. */
export interface LiveTopo {
  readonly child: ChildProcess;
  /** Resolves with the first line of its output, from the start on, for which the test holds. */
  line(holds: (line: string) => boolean): Promise<string>;
  stop(signal: NodeJS.Signals): Promise<Result & { readonly signal: NodeJS.Signals | null }>;
}

const live = new Set<ChildProcess>();
afterAll(() => live.forEach(child => child.kill('SIGKILL')));

export function startTopo(args: readonly string[], { cwd = ROOT, env = {} }: TopoOptions = {}): LiveTopo {
  const child = spawnTopo(args, cwd, env);
  live.add(child);
  const closed = once(child, 'close').then(([code, signal]) => {
    live.delete(child);
    return { code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  const stderr = collect(child.stderr!);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout! }).on('line', line => {
    lines.push(line);
    waiting.forEach(look => look());
  });
  return {
    child,
    line: holds =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(holds);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void closed.then(() => reject(new Error(`it ended first: ${lines.join('\n')}\n${stderr()}`)));
      }),
    async stop(signal) {
      child.kill(signal);
      return { ...(await closed), stdout: lines.join('\n'), stderr: stderr() };
    },
  };
}

function spawnTopo(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [...CLI, ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/** One paragraph on standard error with the code, an exit code that says failure, and no stack. */
export function expectRefusal({ code, stderr }: Result, error: ErrorCode): void {
  expect(stderr).toMatch(new RegExp(`^error ${error}: [^\\n]+\\n$`));
  expect(stderr).not.toMatch(/\s+at .+:\d+:\d+/);
  expect(code).toBe(error === 'TOPO_USAGE' ? 2 : 1);
}

/** A user's project in a folder of its own, with `topo-streams` installed. */
export function project(files: Readonly<Record<string, string>>, manifest: object = { type: 'module' }): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/topo-streams'), 'junction');
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const folders: string[] = [];
afterAll(() => folders.forEach(folder => rmSync(folder, { recursive: true, force: true })));

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'topo-cli-'));
  folders.push(folder);
  return folder;
}

/** Reads `orders`, writes `shouted`; an order without text throws. */
export const SHOUT = `
import { json, string, topic, topology } from 'topo-streams';

interface Order { readonly text: string }

const orders = topic('orders', string(), json<Order>());

export default topology('shout', t => {
  t.stream(orders)
    .map(order => ({ text: order.text.toUpperCase() }))
    .to(topic('shouted', string(), json<Order>()));
});
`;
