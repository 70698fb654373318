import { TopologyError } from '../errors.ts';

/** What a sample feed is made of. The same options always make the same feed. */
export interface SampleOptions {
  /** Policies at the start. */
  readonly policies: number;
  /** How long the changes go on, from 2021-01-01. */
  readonly years: number;
  readonly seed: number;
}

export const DEFAULT_SAMPLE: SampleOptions = { policies: 20_000, years: 5, seed: 1 };

const LIMITS = { policies: [1, 1_000_000], years: [1, 50], seed: [0, 0xffff_ffff] } as const;

/** Reads `policies=20000,years=5,seed=1`; what is left out has its default. @throws TopologyError `TOPO_USAGE` */
export function parseSampleOptions(text: string): SampleOptions {
  const given = new Map<keyof SampleOptions, number>();
  for (const entry of text.split(',')) {
    if (entry.trim() === '') continue;
    const equals = entry.indexOf('=');
    const key = (equals < 0 ? entry : entry.slice(0, equals)).trim();
    if (!isKey(key)) {
      throw usage(`The sample has no option '${key}': it takes policies, years and seed, as in ${exampleText}.`);
    }
    if (given.has(key)) throw usage(`The sample's option '${key}' is given twice.`);
    given.set(key, read(key, equals < 0 ? '' : entry.slice(equals + 1).trim()));
  }
  return { ...DEFAULT_SAMPLE, ...Object.fromEntries(given) };
}

/** As `parseSampleOptions` reads it. */
export const sampleText = ({ policies, years, seed }: SampleOptions): string =>
  `policies=${policies},years=${years},seed=${seed}`;

const exampleText = sampleText(DEFAULT_SAMPLE);

const isKey = (key: string): key is keyof SampleOptions => Object.hasOwn(LIMITS, key);

function read(key: keyof SampleOptions, text: string): number {
  const [least, most] = LIMITS[key];
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw usage(`The sample's option '${key}' takes a whole number from ${least} to ${most}, not '${text}'.`);
}

const usage = (message: string): TopologyError => new TopologyError('TOPO_USAGE', message);
