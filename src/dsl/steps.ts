import type { ProcessorNode, StoreReference, TransformNode } from '../graph/topology.ts';
import { sameSerde } from '../graph/serde-name.ts';
import { change } from '../serdes/change.ts';
import type { Serde } from '../serdes/serde.ts';
import type { Step } from './draft.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import { StreamKey } from './stream-key.ts';
import type { Sink } from './topic.ts';

// The steps that streams and tables share, on untyped flows.

type AnySerde = Serde<unknown>;
type AnyFunction = (...args: never[]) => unknown;

interface TransformSpec {
  readonly slots: Readonly<Record<string, unknown>>;
  readonly table: boolean;
  readonly node?: Pick<TransformNode, 'tombstones' | 'branches' | 'branch'>;
  /** The step's id, where it is not the op's name. */
  readonly name?: string;
  readonly inputs?: readonly Step[];
}

/** Ops behind which values have another type, so that their serde is not known any more. */
const CHANGES_TYPE: ReadonlySet<string> = new Set(['map', 'flatMap']);

export function transformStep(flow: Flow, op: TransformNode['op'], spec: TransformSpec): Flow {
  const { table, slots } = spec;
  for (const [slot, fn] of Object.entries(slots)) if (slot === 'fn') checkFunction(flow, op, fn);
  const step = flow.draft.add({
    name: spec.name ?? op,
    durable: false,
    what: `a ${op}`,
    inputs: spec.inputs ?? [flow.step],
    node: common => ({ ...common, kind: 'transform', op, table, ...spec.node }),
    ...(Object.keys(slots).length > 0 && { slots: () => slots }),
  });
  return { draft: flow.draft, step, key: flow.key, value: CHANGES_TYPE.has(op) ? undefined : flow.value };
}

export function mergeStep(flow: Flow, others: readonly Flow[]): Flow {
  for (const other of others) sameDraft(flow, other, 'a merge');
  const all = [flow, ...others];
  const merged = transformStep(flow, 'merge', { slots: {}, table: false, inputs: all.map(({ step }) => step) });
  const sameValues = all.every(
    ({ value }) => flow.value && value && sameSerde(value.description, flow.value.description),
  );
  const key = new StreamKey(merged.step.label, undefined, { parts: all.map(part => part.key) });
  flow.draft.watch(key);
  return { ...merged, key, value: sameValues ? flow.value : undefined };
}

export function splitStep(flow: Flow, predicates: Readonly<Record<string, unknown>>): [name: string, flow: Flow][] {
  const names = Object.keys(predicates);
  // JavaScript puts integer names first, whatever the file says, and the first match wins
  const integer = names.find(name => /^\d+$/.test(name));
  if (integer !== undefined)
    throw flow.draft.error('TOPO_NAME_INVALID', `branch '${integer}' of a split is a number: give it a name.`, 'split');
  for (const name of names) checkFunction(flow, `branch '${name}' of a split`, predicates[name]);
  const fns = names.map(name => predicates[name]);
  const split = transformStep(flow, 'split', { slots: { fns }, table: false, node: { branches: names } });
  return names.map(name => [
    name,
    transformStep(split, 'branch', { slots: {}, table: false, node: { branch: name }, name }),
  ]);
}

interface KeySpec {
  readonly fn: unknown;
  readonly key: AnySerde | undefined;
  readonly what: string;
  readonly table: boolean;
}

export function keyStep(flow: Flow, name: string, { fn, key: serde, what, table }: KeySpec): Flow {
  checkFunction(flow, name, fn);
  const key = new StreamKey(`'${name}'`, serde, { step: name });
  const rows = flow.value;
  const carried = table && rows ? (change(rows) as AnySerde) : rows;
  const value = () => carried ?? step.declared;
  const step: Step = flow.draft.add({
    name,
    durable: true,
    what,
    inputs: [flow.step],
    node: common => ({
      ...common,
      kind: 'key',
      table,
      ...(key.serde && { key: key.serde.description }),
      ...(value() && { value: value()!.description }),
    }),
    slots: () => ({ fn, ...(key.serde && { key: key.serde }), ...(value() && { value: value() }) }),
  });
  flow.draft.watch(key);
  return { draft: flow.draft, step, key, value: rows };
}

/** `.as(value)`, `.as({ key, value })`: no step of its own. */
export function redeclare(flow: Flow, serdes: unknown): Flow {
  const { draft, step } = flow;
  const { key, value = flow.value } = (isSerde(serdes) ? { value: serdes } : serdes) as {
    key?: AnySerde;
    value?: AnySerde;
  };
  if (key !== undefined) {
    const declared = new StreamKey(`.as behind '${step.label}'`, key);
    flow.key.unite(declared, step.label, draft.name);
  }
  if (value !== undefined && flow.value === undefined) step.declared = value;
  return { ...flow, value };
}

export function joinTable(
  flow: Flow,
  name: string,
  table: { readonly [FLOW]: Flow },
  fn: AnyFunction,
  options: { readonly left: boolean },
): Flow {
  const { draft } = flow;
  const rows = table[FLOW];
  checkFunction(flow, name, fn);
  sameDraft(flow, rows, `join '${name}'`);
  if (rows.stored !== true)
    throw draft.error(
      'TOPO_GRAPH_INVALID',
      `join '${name}' looks up '${rows.step.label}', which keeps no rows of its own. Give it a store: ` +
        `table.toStream().toTable('a-name').`,
      name,
    );
  const joined = processorStep(flow, name, {
    processor: 'join',
    what: 'a join',
    table: false,
    tables: [rows.step],
    slots: { fn },
    options,
  });
  flow.key.need(name, draft.name);
  rows.key.need(name, draft.name);
  flow.key.unite(rows.key, name, draft.name);
  return { ...joined, value: undefined };
}

export function toTableStep(flow: Flow, name: string, value: unknown, options: StoreOptions): Flow {
  const serde = (value ?? flow.value) as AnySerde | undefined;
  if (serde === undefined) throw valueMissing(flow, name, `.as(serde).toTable('${name}') or toTable('${name}', serde)`);
  const slots = { row: { serde, toRow: (row: unknown) => row } };
  return processorStep(flow, name, {
    processor: 'toTable',
    what: 'a toTable',
    table: true,
    slots,
    store: serde,
    storeOptions: options,
  });
}

interface ProcessorSpec {
  readonly processor: string;
  readonly what: string;
  readonly table: boolean;
  readonly slots: Readonly<Record<string, unknown>>;
  readonly options?: ProcessorNode['options'];
  readonly tables?: readonly Step[];
  /** The serde of the values in the step's store, if it has one. */
  readonly store?: AnySerde;
  readonly storeOptions?: StoreOptions;
}

/** A processor, with a store of the step's own name if it keeps one. Its keys' serde must be known in the end. */
export function processorStep(flow: Flow, name: string, spec: ProcessorSpec): Flow {
  const { draft, key } = flow;
  const { store, storeOptions = {}, tables = [] } = spec;
  const stores = (): StoreReference[] => {
    if (store === undefined) return [];
    const { renamedFrom } = storeOptions;
    const described = { name, key: key.serde!.description, value: store.description };
    return [renamedFrom === undefined ? described : { ...described, renamedFrom }];
  };
  const step = draft.add({
    name,
    durable: true,
    what: spec.what,
    inputs: [flow.step],
    node: common => ({
      ...common,
      kind: 'processor',
      processor: spec.processor,
      table: spec.table,
      stores: stores(),
      tables: tables.map(table => table.id),
      options: spec.options ?? {},
    }),
    slots: () => spec.slots,
  });
  key.need(name, draft.name);
  return { draft, step, key, value: store, stored: store !== undefined };
}

export function sinkStep(flow: Flow, sink: Sink<never, never>): void {
  const { reference, slot } = sink;
  flow.draft.add({
    name: reference.name,
    durable: false,
    what: 'a sink',
    inputs: [flow.step],
    node: common => ({ ...common, kind: 'sink', topic: reference }),
    slots: () => ({ topic: slot }),
  });
}

export function valueMissing(flow: Flow, name: string, fix: string): Error {
  return flow.draft.error(
    'TOPO_SERDE_MISSING',
    `step '${name}' keeps values of '${flow.step.label}', and nothing says how they are written. Declare it: ${fix}.`,
    name,
  );
}

/** For callers without types. */
function checkFunction(flow: Flow, step: string, fn: unknown): void {
  if (typeof fn !== 'function')
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `'${step}' takes a function, not ${fn === null ? 'null' : typeof fn}.`,
    );
}

function sameDraft(a: Flow, b: Flow, what: string): void {
  if (a.draft !== b.draft)
    throw a.draft.error(
      'TOPO_GRAPH_INVALID',
      `${what} brings together streams of two topologies, '${a.draft.name}' and '${b.draft.name}'.`,
    );
}

const isSerde = (value: unknown): boolean => typeof (value as Partial<AnySerde>).encode === 'function';
