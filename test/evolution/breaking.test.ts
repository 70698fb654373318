import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { string, topic, topology } from '../../src/index.ts';
import type { Serde } from '../../src/index.ts';
import { TestWorld } from '../runtime/world.ts';
import { breaking, runIn, Versions } from './versions.ts';
import type { Version } from './versions.ts';

const versions = new Versions();
afterAll(() => versions[Symbol.dispose]());

const claim = (...fields: readonly string[]): Version<never> =>
  versions.compile<never>(`message Claim { string id = 1; ${fields.join(' ')} }
    message Party { string name = 1; } message Other { sint32 name = 1; }
    enum Status { STATUS_UNSPECIFIED = 0; STATUS_OPEN = 1; }`);

const appOf = (serde: Serde<never>) => topology('app', t => t.table('rows', topic('claims', string(), serde)));

/** A topology that ran under one version of its message. */
class Lived implements AsyncDisposable {
  private constructor(private readonly world: TestWorld) {}

  static async under(version: Version<never>, value: object = {}): Promise<Lived> {
    const world = await TestWorld.open();
    await world.topic('claims', 1);
    const bytes = version.serde.encode({ ...EMPTY, ...value } as never);
    await world.write('claims', { key: 'C-1', value: bytes, timestamp: 1 });
    await world.runToIdle(appOf(version.serde));
    return new Lived(world);
  }

  /** Starts it under another version: the row as that sees it, or why it is refused. */
  async goOn(version: Version<never>): Promise<unknown> {
    try {
      const application = await this.world.start(appOf(version.serde));
      await application.idle();
      const row = await application.store('rows').get('C-1');
      await application.stop();
      return row;
    } catch (error) {
      return `${(error as { code?: string }).code}: ${(error as Error).message}`;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.world[Symbol.asyncDispose]();
  }
}

/** Every field of a claim below at its default. */
const EMPTY = { id: 'C-1', a: 0, list: [], text: 'é', raw: new Uint8Array(0) };
const ROW = expect.objectContaining({ id: 'C-1' }) as unknown;

describe('a change that readers of both versions stand is accepted by buf and at the start', () => {
  test.each<[string, string[], string[]]>([
    ['a field is added', [], ['int32 b = 9;', 'repeated string c = 10;', 'optional Party d = 11;']],
    ['a field is removed, its number reserved', ['int32 a = 2;'], ['reserved 2;']],
    ['a field is removed, its number and name reserved', ['int32 a = 2;'], ['reserved 2; reserved "a";']],
    ['a field is renamed', ['int32 a = 2;'], ['int32 b = 2;']],
    ['an integer is wider', ['int32 a = 2;'], ['int64 a = 2;']],
    ['an integer has no sign any more', ['int32 a = 2;'], ['uint32 a = 2;']],
    ['a field becomes optional', ['int32 a = 2;'], ['optional int32 a = 2;']],
    ['a oneof has a member more', ['oneof o { int32 x = 3; }'], ['oneof o { int32 x = 3; string y = 4; }']],
  ])('%s', async (_, before, now) => {
    const [one, other] = [claim(...before), claim(...now)];
    expect(breaking(one, other)).toBe('');
    await using app = await Lived.under(one);
    for (const version of [other, one, other]) expect(await app.goOn(version)).toEqual(ROW);
  });

  test('text becomes bytes; back it is refused, as bytes need not be text', async () => {
    const [one, other] = [claim('string text = 2;'), claim('bytes text = 2;')];
    expect([breaking(one, other), breaking(other, one)]).toEqual(['', expect.stringContaining('"2"')]);
    await using app = await Lived.under(one);
    expect(await app.goOn(other)).toEqual({ id: 'C-1', text: new Uint8Array(Buffer.from('é')) });
    expect(await app.goOn(one)).toContain(
      "step 'rows': its values claims.v1.Claim: field 2 (text) was bytes and is string",
    );
  });

  test('an integer is narrower: what does not fit any more is an error, not another number', async () => {
    const [one, other] = [claim('int64 a = 2;'), claim('int32 a = 2;')];
    expect(breaking(one, other)).toBe('');
    await using fits = await Lived.under(one, { a: 5n });
    expect(await fits.goOn(other)).toEqual({ id: 'C-1', a: 5 });
    await using large = await Lived.under(one, { a: 2n ** 32n + 5n });
    expect(await large.goOn(other)).toContain('TOPO_DECODE');
    expect(await large.goOn(one)).toEqual({ id: 'C-1', a: 2n ** 32n + 5n });
  });
});

describe('a change that makes stored bytes unreadable is refused by buf, and at the start in the name of field and step', () => {
  test.each<[string, string, string, string]>([
    ['another encoding', 'int32 a = 2;', 'sint32 a = 2;', 'field 2 (a) was int32 and is sint32'],
    ['another width', 'int32 a = 2;', 'fixed32 a = 2;', 'field 2 (a) was int32 and is fixed32'],
    ['another kind', 'int32 a = 2;', 'string a = 2;', 'field 2 (a) was int32 and is string'],
    ['bytes become text', 'bytes raw = 2;', 'string raw = 2;', 'field 2 (raw) was bytes and is string'],
    ['one becomes many', 'int32 a = 2;', 'repeated int32 a = 2;', 'field 2 (a) became repeated'],
    ['many become one', 'repeated int32 list = 2;', 'int32 a = 2;', 'field 2 (list) is not repeated any more'],
    ['a field moves into a oneof', 'int32 a = 2;', 'oneof o { int32 a = 2; int32 b = 3; }', 'field 2 (a) moved into the oneof o'],
    ['a message within is another one', 'Party p = 2;', 'Other p = 2;', 'field 1 (p.name) was string and is sint32'],
  ])('%s', async (_, before, now, problem) => {
    const [one, other] = [claim(before), claim(now)];
    expect(breaking(one, other)).toContain('claim.proto');
    await using app = await Lived.under(one);
    const refusal = await app.goOn(other);
    expect(refusal).toContain('TOPO_MANIFEST_MISMATCH');
    expect(refusal).toContain(`step 'rows': its values claims.v1.Claim: ${problem}`);
    expect(refusal).toContain('Go back, or give the step another name');
    expect(await app.goOn(one)).toEqual(ROW);
  }); // prettier-ignore
});

describe('what a start cannot know, as it sees two versions only, buf does', () => {
  test('a field is removed and its number not reserved', async () => {
    const [one, other] = [claim('int32 a = 2;'), claim()];
    expect(breaking(one, other)).toContain('Previously present field "2"');
    await using app = await Lived.under(one);
    expect(await app.goOn(other)).toEqual(ROW);
  });

  test('a number that is reserved is used again', () => {
    expect(breaking(claim('reserved 2;'), claim('string b = 2;'))).toContain('reserved');
  });
});

describe("the project's own check", () => {
  /** The protos and their history so far: one commit, and the files as `change` leaves them. */
  function check(change: (text: string) => string): { readonly status: number | null; readonly text: string } {
    const folder = mkdtempSync(join(tmpdir(), 'topo-breaking-'));
    try {
      for (const part of ['proto', 'scripts', 'buf.yaml'])
        cpSync(join(import.meta.dirname, '../..', part), join(folder, part), { recursive: true });
      const git = (...args: readonly string[]) =>
        runIn(folder, 'git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false', ...args]);
      git('init', '-q');
      git('add', '.');
      git('commit', '-q', '-m', 'as it is');
      const file = join(folder, 'proto/insurance/v1/policy.proto');
      const before = readFileSync(file, 'utf8');
      const after = change(before);
      expect(after).not.toBe(before);
      writeFileSync(file, after);
      return runIn(folder, process.execPath, ['scripts/buf-breaking.js']);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } // prettier-ignore

  test('passes a new field and refuses another type, naming file and field', () => {
    const added = check(text => text.replace(/\n}\s*$/, '\n  string added = 100;\n}\n'));
    expect(added.text).toContain('nothing broken');
    expect(added.status).toBe(0);
    const changed = check(text => text.replace(/int64 (\w+) = /, 'string $1 = '));
    expect(changed.text).toMatch(/policy\.proto:\d+:\d+:Field .* changed type from "int64" to "string"/);
    expect(changed.status).not.toBe(0);
  });
});
