import type { RowSlot } from '../../../src/graph/functions.ts';
import type { ProcessorNode } from '../../../src/graph/topology.ts';
import { contextOf } from './stateless.ts';
import { State } from './parts.ts';
import type { Event, Modelled, ModelSite, Push, Row } from './parts.ts';

export function tableModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const { toRow, serde } = task.slots(node)['row'] as RowSlot;
  const rows = new State<Row>(task);
  const push: Push = event => {
    task.step = node.id;
    const { text } = event;
    if (text === null) return;
    const old = rows.get(text)?.value ?? null;
    const value = event.value === null ? null : toRow(event.value, () => old);
    if (value === undefined || (value === null && old === null)) return;
    rows.set(text, value === null ? undefined : { value, timestamp: event.timestamp });
    next({ ...event, value, old });
  };
  return {
    inputs: node.inputs.map(() => push),
    row: key => rows.get(key) ?? null,
    stores: [{ entries: () => [...rows].map(([key, row]) => [key, serde.encode(row.value), row.timestamp] as const) }],
  };
}

export function joinModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const fn = task.slots(node)['fn'] as (value: unknown, row: unknown, record: unknown) => unknown;
  const isLeft = node.options['left'] === true;
  const push: Push = event => {
    task.step = node.id;
    if (event.value === null) return;
    if (event.text === null && !isLeft) return;
    const row = event.text === null ? null : task.nodes.get(node.tables[0]!)!.row!(event.text);
    if (row === null && !isLeft) return;
    // a row may have been made by a function of its own step
    task.step = node.id;
    next({ ...event, value: fn(event.value, row?.value ?? null, contextOf(event, task)) });
  };
  return { inputs: [push] };
}

/** Of tables that have nothing in common. */
export function tableJoinModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const fn = task.slots(node)['fn'] as (left: unknown, right: unknown) => unknown;
  const [keepsLeft, keepsRight] = [node.options['left'] === true, node.options['right'] === true];
  const combine = (left: unknown, right: unknown) => {
    if (left === null && (right === null || !keepsRight)) return null;
    if (right === null && !keepsLeft) return null;
    task.step = node.id;
    return fn(left, right);
  };
  const rowOf = (side: number, key: string) => task.nodes.get(node.tables[side]!)!.row!(key);
  const changed = (side: number) => (event: Event) => {
    const other = rowOf(1 - side, event.text!);
    const pair = (value: unknown) =>
      side === 0 ? combine(value, other?.value ?? null) : combine(other?.value ?? null, value);
    const [value, old] = [pair(event.value), pair(event.old)];
    if (value === null && old === null) return;
    next({ ...event, value, old, timestamp: Math.max(event.timestamp, other?.timestamp ?? -1) });
  };
  return {
    inputs: [changed(0), changed(1)],
    row: key => {
      const [left, right] = [rowOf(0, key), rowOf(1, key)];
      const value = combine(left?.value ?? null, right?.value ?? null);
      const timestamp = Math.max(left?.timestamp ?? -1, right?.timestamp ?? -1);
      return value === null ? null : { value, timestamp };
    },
  };
}
