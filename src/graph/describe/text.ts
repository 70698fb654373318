import { repartitioned } from '../edges.ts';
import { changelogTopic, deadLettersTopic, repartitionTopic } from '../names.ts';
import { serdeName } from '../serde-name.ts';
import type { Topology } from '../topology.ts';
import { pictureOf } from './picture.ts';

/** The picture, and below it every topic and store with its serdes: what `topo describe` prints. */
export function describeText(topology: Topology): string {
  const { name, nodes } = topology;
  const sections: [title: string, lines: string[][]][] = [
    [
      'reads',
      nodes.flatMap(node =>
        node.kind === 'source'
          ? [[node.topic.name, serdes(node.topic), node.readFirst ? 'first, to the end seen at the first start' : '']]
          : [],
      ),
    ],
    ['writes', unique(nodes.flatMap(node => (node.kind === 'sink' ? [[node.topic.name, serdes(node.topic)]] : [])))],
    [
      'stores',
      nodes.flatMap(node =>
        node.kind === 'processor'
          ? node.stores.map(store => [store.name, serdes(store), `changelog ${changelogTopic(name, store)}`])
          : [],
      ),
    ],
    [
      'repartitions',
      repartitioned(topology).map(node => [
        node.id,
        serdes({ key: node.key!, value: node.value! }),
        `topic ${repartitionTopic(name, node.id)}`,
      ]),
    ],
    ['dead letters', [[deadLettersTopic(name)]]],
  ];
  const filled = sections.filter(([, lines]) => lines.length > 0);
  return [
    name,
    '',
    pictureOf(topology),
    ...filled.flatMap(([title, lines]) => ['', `  ${title}`, ...aligned(lines)]),
    '',
  ].join('\n');
}

type Serdes = Readonly<Record<'key' | 'value', Parameters<typeof serdeName>[0]>>;
const serdes = ({ key, value }: Serdes): string => `${serdeName(key)} → ${serdeName(value)}`;

const unique = (lines: string[][]): string[][] => [...new Map(lines.map(line => [line[0], line])).values()];

function aligned(lines: readonly string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map(line => (line[i] ?? '').length)));
  return lines.map(line => `    ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ')}`.trimEnd());
}
