import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { protobuf } from '../src/serdes/index.ts';
import type { MessageType } from '../src/serdes/index.ts';
import { Claim } from './gen/bench/v1/claim.ts';
import { Policy } from './gen/bench/v1/policy.ts';

/** Nanoseconds a message, medians of `ROUNDS` alternations; `ratio` is the median of the rounds' own ratios. */
export interface SerdeFigure {
  readonly name: string;
  readonly ours: number;
  readonly protobufjsStatic: number;
  readonly ratio: number;
}

/** What pbjs generates for a message. */
interface StaticType {
  decode(bytes: Uint8Array): object;
  encode(message: object): { finish(): Uint8Array };
}

const ROUNDS = 15;
const MESSAGES = 256;
const MESSAGES_A_ROUND = 100_000;

/** Decode and encode of a 124-byte and a 15-field, 234-byte message, beside protobufjs's static code on the same bytes. */
export async function serdeBench(): Promise<SerdeFigure[]> {
  const generated = staticCode();
  return [
    ...compare('claim 124 B', Claim, generated.bench.v1.Claim, claim),
    ...compare('policy 234 B, 15 fields', Policy, generated.bench.v1.Policy, policy),
  ];
}

function compare<T>(name: string, type: MessageType<T>, theirs: StaticType, make: (index: number) => T): SerdeFigure[] {
  const ours = protobuf(type);
  const bytes = Array.from({ length: MESSAGES }, (_, index) => Buffer.from(ours.encode(make(index))));
  const values = bytes.map(one => ours.decode(one));
  const messages = bytes.map(one => theirs.decode(one));
  return [
    alternate(
      `decode ${name}`,
      index => ours.decode(bytes[index]!),
      index => theirs.decode(bytes[index]!),
    ),
    alternate(
      `encode ${name}`,
      index => ours.encode(values[index]!),
      index => theirs.encode(messages[index]!).finish(),
    ),
  ];
}

function alternate(name: string, ours: (index: number) => unknown, theirs: (index: number) => unknown): SerdeFigure {
  const rounds: { ours: number; theirs: number }[] = [];
  for (let round = -3; round < ROUNDS; round++) {
    const figures = { ours: nanoseconds(ours), theirs: nanoseconds(theirs) };
    if (round >= 0) rounds.push(figures);
  }
  return {
    name,
    ours: median(rounds.map(round => round.ours)),
    protobufjsStatic: median(rounds.map(round => round.theirs)),
    ratio: median(rounds.map(round => round.ours / round.theirs)),
  };
}

/** Keeps a result alive, so that nothing is optimised away. */
const kept: unknown[] = [];

function nanoseconds(run: (index: number) => unknown): number {
  const start = process.hrtime.bigint();
  for (let index = 0; index < MESSAGES_A_ROUND; index++) kept[0] = run(index % MESSAGES);
  return Number(process.hrtime.bigint() - start) / MESSAGES_A_ROUND;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function staticCode(): { bench: { v1: Record<'Claim' | 'Policy', StaticType> } } {
  const root = process.cwd();
  const folder = join(root, '.cache', 'bench-serdes');
  mkdirSync(folder, { recursive: true });
  const out = join(folder, 'static.cjs');
  const protos = ['claim', 'policy'].map(name => join(root, 'proto', 'bench', 'v1', `${name}.proto`));
  const pbjs = join(root, 'node_modules', 'protobufjs-cli', 'bin', 'pbjs');
  execFileSync(process.execPath, [pbjs, '-t', 'static-module', '-w', 'commonjs', '-o', out, ...protos]);
  return createRequire(import.meta.url)(out) as { bench: { v1: Record<'Claim' | 'Policy', StaticType> } };
}

function claim(index: number): Claim {
  return {
    claimId: `C-${100000 + index}`,
    policyId: `P-${200000 + index * 7}`,
    status: index % 3 === 0 ? 'CLOSED' : 'OPEN',
    claimedCents: BigInt(47_210 + index * 31),
    paidCents: BigInt(12_000 + index * 17),
    changedAtMs: 1_640_995_200_000 + index * 1000,
    openedOn: '2021-12-03Z',
    cause: 'collision',
    adjuster: `adjuster-${10 + (index % 80)}`,
    description: 'rear bumper and left lamp, other party insured',
    version: 1 + (index % 9),
  };
}

function policy(index: number): Policy {
  return {
    policyId: `P-${200000 + index}`,
    clientId: `K-${100000 + index}`,
    product: 'motor-car',
    cover: 'COMP_PLUS',
    premiumCents: BigInt(31_200 + index),
    deductibleCents: 25_000n,
    bonusMalus: 50 + (index % 100),
    online: index % 2 === 0,
    firstName: 'Marguerite',
    lastName: 'Delacroix-Lefebvre',
    email: `marguerite.delacroix${100 + index}@example.org`,
    address: `${10 + (index % 80)} boulevard de la République, résidence Les Tilleuls, 75011 Paris, France`,
    validFromMs: 1_640_995_200_000 + index * 1000,
    riskScore: 0.25 + index / 1000,
    vehicleYears: [2016, 2019, 2021],
  };
}

if (process.argv[1] === import.meta.filename) {
  for (const { name, ours, protobufjsStatic, ratio } of await serdeBench()) {
    console.log(
      `${name.padEnd(32)} ${ours.toFixed(0)} ns, protobufjs static ${protobufjsStatic.toFixed(0)} ns: ${ratio.toFixed(2)} x`,
    );
  }
  for (const [name, type, make] of [
    ['claim', Claim, claim],
    ['policy', Policy, policy],
  ] as const) {
    console.log(name, protobuf(type as MessageType<unknown>).encode(make(5)).length, 'bytes');
  }
}
