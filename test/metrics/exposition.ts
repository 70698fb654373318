/** One sample: a line of a scrape. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ExposedSample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/y;
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
/** As Go's `ParseFloat` takes it. */
const NUMBER = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)$/i;

/**
 * Reads Prometheus' text format 0.0.4 strictly, by
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format: each family stands once and together, HELP and TYPE
 * before its samples; no series twice; the buckets of a histogram ascend to `+Inf`, which is its count. Takes no timestamps: we write
 * none. Prometheus' own parsers are no packages for Node, and the one that is for it, parse-prometheus-text-format 1.1.1, loses the labels
 * and the sum of a histogram. @throws Error with the line that is wrong
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line must end');
  const families = new Map<string, { type: string; help: string; samples: ExposedSample[] }>();
  const series = new Set<string>();
  let open = '';
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, word, of, rest] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line) ?? [];
    const fail = (what: string): never => {
      throw new Error(`${what}: ${line}`);
    };
    if (word === 'HELP') {
      if (families.has(of!)) fail('a family comes twice');
      families.set((open = of!), { type: '', help: rest!, samples: [] });
    } else if (word === 'TYPE') {
      const family = families.get(of!) ?? fail('TYPE without HELP');
      if (of !== open || family.samples.length > 0 || family.type !== '') fail('TYPE out of place');
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest!)) fail('no type');
      family.type = rest!;
    } else if (line.startsWith('#')) fail('a comment that is neither HELP nor TYPE');
    else {
      const sample = parseSample(line) ?? fail('no sample');
      const family = families.get(open) ?? fail('a sample without a family');
      const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!suffixes.some(suffix => sample.name === open + suffix)) fail(`a sample that is not of ${open}`);
      const id = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (series.has(id)) fail('a series comes twice');
      series.add(id);
      if (family.type === 'counter' && !(sample.value >= 0)) fail('a counter below 0');
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) {
    if (family.type === '') throw new Error(`${name} has no type`);
    if (family.type === 'histogram') checkHistogram(name, family.samples);
  }
  return families;
}

function parseSample(line: string): ExposedSample | undefined {
  const [, name, labelText = '', number] = SAMPLE.exec(line) ?? [];
  if (name === undefined || !NUMBER.test(number!)) return undefined;
  const labels: Record<string, string> = {};
  for (let at = 0; at < labelText.length;) {
    LABEL.lastIndex = at;
    const [whole, label, value] = LABEL.exec(labelText) ?? [];
    if (whole === undefined || Object.hasOwn(labels, label!)) return undefined;
    labels[label!] = value!.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    at += whole.length;
    if (at < labelText.length && labelText[at++] !== ',') return undefined;
  }
  return { name, labels, value: numberOf(number!) };
}

const numberOf = (text: string): number =>
  text.endsWith('Inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);

function checkHistogram(name: string, samples: readonly ExposedSample[]): void {
  const histograms = new Map<string, { bounds: number[]; counts: number[]; sum?: number; count?: number }>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const id = JSON.stringify(labels);
    const histogram = histograms.get(id) ?? { bounds: [], counts: [] };
    histograms.set(id, histogram);
    if (sample.name === `${name}_sum`) histogram.sum = sample.value;
    else if (sample.name === `${name}_count`) histogram.count = sample.value;
    else {
      histogram.bounds.push(le === undefined ? NaN : numberOf(le));
      histogram.counts.push(sample.value);
    }
  }
  for (const [id, { bounds, counts, sum, count }] of histograms) {
    const ascends = (values: readonly number[], strictly: boolean) =>
      values.every((value, i) => i === 0 || value > values[i - 1]! || (!strictly && value === values[i - 1]));
    const isWhole =
      ascends(bounds, true) &&
      ascends(counts, false) &&
      bounds.at(-1) === Infinity &&
      counts.at(-1) === count &&
      sum !== undefined;
    if (!isWhole) throw new Error(`${name}${id} is no histogram: ${bounds.join()} ${counts.join()} ${sum} ${count}`);
  }
}

/** The one sample with these labels among others. @throws Error when there is none, or several */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const all = [...families.values()].flatMap(({ samples }) => samples);
  const found = all.filter(
    sample => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length !== 1) throw new Error(`${found.length} samples ${name} ${JSON.stringify(labels)}`);
  return found[0]!.value;
}
