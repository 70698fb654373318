import { isRead, repartitioned } from '../edges.ts';
import { changelogTopic, deadLettersTopic, repartitionTopic } from '../names.ts';
import { serdeName } from '../serde-name.ts';
import type { GlobalNode, SourceNode, Topology } from '../topology.ts';
import { pictureOf } from './picture.ts';

/** The picture, and below it every topic and store with its serdes: what `topo describe` prints. */
export function describeText(topology: Topology): string {
  const { name, nodes } = topology;
  const sections: [title: string, lines: string[][]][] = [
    ['reads', nodes.filter(isRead).map(node => [node.topic.name, serdes(node.topic), howRead(node)])],
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

function howRead(node: SourceNode | GlobalNode): string {
  if (node.kind === 'global') return `global table ${node.id}, whole in every task`;
  return node.readFirst ? 'first, to the end seen at the first start' : '';
}

type Serdes = Readonly<Record<'key' | 'value', Parameters<typeof serdeName>[0]>>;
const serdes = ({ key, value }: Serdes): string => `${serdeName(key)} → ${serdeName(value)}`;

const unique = (lines: string[][]): string[][] => [...new Map(lines.map(line => [line[0], line])).values()];

function aligned(lines: readonly string[][]): string[] {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map(line => (line[i] ?? '').length)));
  return lines.map(line => `    ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ')}`.trimEnd());
}
