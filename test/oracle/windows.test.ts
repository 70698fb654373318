import { describe, expect, test } from 'vitest';
import { hopping, session, sliding, string, topic, topology, tumbling, windowed } from '../../src/index.ts';
import type { CustomSessionAggregator, Topology, Windowed } from '../../src/index.ts';
import { drive } from '../drive.ts';
import { readCases } from './cases.ts';
import type { OracleCase, OracleOutput, OracleTopology } from './cases.ts';

const input = topic('in', string(), string());
const out = topic('out', windowed(string()), string());

const texts: CustomSessionAggregator<string, string> = {
  init: () => '0',
  add: (state, value) => `${state}+${value}`,
  merge: (earlier, later) => earlier + later.slice(1),
  serde: string(),
};

type Windows = Extract<OracleTopology, { readonly emit: unknown }>;

function windowsOf(of: Windows) {
  const options = { grace: of.graceMs, emit: of.emit };
  switch (of.kind) {
    case 'tumbling':
      return tumbling(of.sizeMs, options);
    case 'hopping':
      return hopping(of.sizeMs, { every: of.advanceMs, ...options });
    case 'sliding':
      return sliding(of.diffMs, options);
    case 'session':
      return session(of.gapMs, options);
  }
}

const aggregated = (of: Windows): Topology =>
  topology('t', t => t.stream(input).groupByKey().window(windowsOf(of)).aggregate('sums', texts).to(out));

/** What each input led to, as the oracle writes it. */
async function outputsOf({ inputs }: OracleCase, run: Topology, end: ')' | ']'): Promise<OracleOutput[][]> {
  await using driver = await drive(run);
  const outputs: OracleOutput[][] = [];
  for (const record of inputs) {
    await driver.pipe(record);
    outputs.push(
      (await driver.read<Windowed<string>, string>('out')).map(({ key, value, timestamp }) => ({
        key: `${key!.key}[${key!.start},${key!.end}${end}`,
        value,
        timestamp,
      })),
    );
  }
  return outputs;
}

const cases = readCases();
for (const kind of ['tumbling', 'hopping', 'sliding', 'session'] as const)
  describe(kind, () => {
    const chosen = cases.filter(one => one.topology.kind === kind);
    test.each(chosen.map(one => [one.name, one] as const))('%s', async (_, one) => {
      const found = await outputsOf(one, aggregated(one.topology as Windows), kind === 'tumbling' || kind === 'hopping' ? ')' : ']');
      expect(found).toEqual(one.outputs);
    });
  });
