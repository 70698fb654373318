import type { RecordContext } from '../graph/functions.ts';
import type { ProcessorNode, StoreReference, TransformNode } from '../graph/topology.ts';
import { sameSerde } from '../graph/serde-name.ts';
import { change } from '../serdes/change.ts';
import type { Serde } from '../serdes/serde.ts';
import {
  checkFunction,
  checkName,
  checkOptions,
  checkSerde,
  checkWhole,
  isSerde,
  placeOf,
  sameDraft,
  STEP_OPTIONS,
  STORE_OPTIONS,
} from './arguments.ts';
import type { Step } from './draft.ts';
import type { Flow, StoreOptions } from './flow.ts';
import type { AnyErrorOptions } from './on-error.ts';
import { StreamKey } from './stream-key.ts';

// The steps that streams and tables share, on untyped flows.

type AnySerde = Serde<unknown>;
/** How something is written, for the manifest. */
type Described = Pick<AnySerde, 'description'>;

/** Of any step: `Stream` and `Table` have checked the types of its `onError`. */
export type AnyStoreOptions = Omit<StoreOptions, 'onError'> & AnyErrorOptions;

interface TransformSpec {
  readonly slots: Readonly<Record<string, unknown>>;
  readonly table: boolean;
  readonly node?: Pick<TransformNode, 'tombstones' | 'branches' | 'branch'>;
  /** The step's id, where it is not the op's name. */
  readonly name?: string;
  readonly inputs?: readonly Step[];
  readonly options?: AnyErrorOptions | undefined;
}

/** Ops behind which values have another type, so that their serde is not known any more. */
const CHANGES_TYPE: ReadonlySet<string> = new Set(['map', 'flatMap']);

export function transformStep(flow: Flow, op: TransformNode['op'], spec: TransformSpec): Flow {
  const { table, slots } = spec;
  for (const [slot, fn] of Object.entries(slots)) if (slot === 'fn') checkFunction(flow, op, fn);
  checkOptions(`'${op}'`, spec.options, ['onError'], { topology: flow.draft.name });
  const step = flow.draft.add({
    name: spec.name ?? op,
    durable: false,
    what: `a ${op}`,
    inputs: spec.inputs ?? [flow.step],
    node: common => ({ ...common, kind: 'transform', op, table, ...spec.node }),
    ...(Object.keys(slots).length > 0 && { slots: () => slots }),
    onError: spec.options?.onError,
  });
  return {
    draft: flow.draft,
    step,
    key: flow.key,
    value: CHANGES_TYPE.has(op) ? undefined : flow.value,
    // rows behind a map or filter are made from those in front of it
    ...(table && { readable: flow.readable ?? false }),
    ...(table && flow.versionedMs !== undefined && { versionedMs: flow.versionedMs }),
  };
}

export function mergeStep(flow: Flow, others: readonly Flow[]): Flow {
  if (others.length === 0)
    throw flow.draft.error('TOPO_GRAPH_INVALID', `a merge of one stream: merge(other) takes at least one other.`);
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

export function splitStep(
  flow: Flow,
  predicates: Readonly<Record<string, unknown>>,
  options: AnyErrorOptions | undefined,
): [name: string, flow: Flow][] {
  const names = Object.keys(predicates ?? {});
  if (names.length === 0)
    throw flow.draft.error(
      'TOPO_GRAPH_INVALID',
      `a split without branches: it takes a predicate for each, as in split({ open: claim => claim.isOpen, rest: () => true }).`,
    );
  // JavaScript puts integer names first, whatever the file says, and the first match wins
  const integer = names.find(name => /^\d+$/.test(name));
  if (integer !== undefined)
    throw flow.draft.error('TOPO_NAME_INVALID', `branch '${integer}' of a split is a number: give it a name.`, 'split');
  for (const name of names) checkFunction(flow, 'split', predicates[name], `branch '${name}'`);
  const fns = names.map(name => predicates[name]);
  const split = transformStep(flow, 'split', { slots: { fns }, table: false, node: { branches: names }, options });
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
  /** The topic is made whether a step behind needs it or not. */
  readonly always?: boolean;
  readonly options: (Omit<RepartitionOptions, 'onError'> & AnyErrorOptions) | undefined;
}

export interface RepartitionOptions extends Pick<StoreOptions, 'onDrop' | 'onError'> {
  /** Left out: as many as what it is joined with has, or the topic in front. */
  readonly partitions?: number;
}

export function keyStep(flow: Flow, name: string, spec: KeySpec): Flow {
  const { fn, key: serde, what, table, always, options } = spec;
  checkFunction(flow, name, fn);
  if (serde !== undefined) checkSerde(`the key of '${name}'`, serde, placeOf(flow, name));
  checkOptions(`'${name}'`, options, always ? ['partitions', ...STEP_OPTIONS] : STEP_OPTIONS, placeOf(flow, name));
  const { partitions, onDrop, onError } = options ?? {};
  if (partitions !== undefined) checkWhole(`partitions of '${name}'`, partitions, 1, placeOf(flow, name));
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
      ...(always && { always }),
      ...(partitions !== undefined && { partitions }),
      ...(onDrop && { onDrop }),
      ...(key.serde && { key: key.serde.description }),
      ...(value() && { value: value()!.description }),
    }),
    slots: () => ({ fn, ...(key.serde && { key: key.serde }), ...(value() && { value: value() }) }),
    onError,
  });
  flow.draft.watch(key);
  return { draft: flow.draft, step, key, value: rows };
}

/** Records under the key they have, through a topic of their own. */
export function repartitionStep(flow: Flow, name: string, options: RepartitionOptions | undefined): Flow {
  const repartitioned = keyStep(flow, name, {
    fn: (_: unknown, record: RecordContext) => record.key,
    key: undefined,
    what: 'a repartition',
    table: false,
    always: true,
    options,
  });
  repartitioned.key.need(name, flow.draft.name);
  flow.key.unite(repartitioned.key, name, flow.draft.name);
  return repartitioned;
}

/** `.as(value)`, `.as({ key, value })`: no step of its own. */
export function redeclare(flow: Flow, serdes: unknown): Flow {
  const { draft, step } = flow;
  const place = placeOf(flow, step.label);
  const declaration = isSerde(serdes) ? { value: serdes } : serdes;
  checkOptions(`.as behind '${step.label}'`, declaration ?? null, ['key', 'value'], place);
  const { key, value = flow.value } = declaration as { key?: AnySerde; value?: AnySerde };
  if (key !== undefined) checkSerde(`the key behind '${step.label}'`, key, place);
  if (value !== undefined) checkSerde(`the value behind '${step.label}'`, value, place);
  if (key !== undefined) {
    const declared = new StreamKey(`.as behind '${step.label}'`, key);
    flow.key.unite(declared, step.label, draft.name);
  }
  if (value !== undefined && flow.value === undefined) step.declared = value;
  return { ...flow, value };
}

/** @throws TopologyError where nothing keeps a table's rows so that `step` could look them up */
export function mustBeReadable(table: Flow, step: string): void {
  if (table.readable === true) return;
  throw table.draft.error(
    'TOPO_GRAPH_INVALID',
    `'${step}' looks up '${table.step.label}', which keeps no rows of its own. Give it a store: ` +
      `table.toStream().toTable('a-name').`,
    step,
  );
}

export function toTableStep(flow: Flow, name: string, value: unknown, options: StoreOptions): Flow {
  const serde = (value ?? flow.value) as AnySerde | undefined;
  checkName(flow, name);
  if (serde === undefined) throw valueMissing(flow, name, `.as(serde).toTable('${name}') or toTable('${name}', serde)`);
  checkSerde(`the value of '${name}'`, serde, placeOf(flow, name));
  checkOptions(`'${name}'`, options, STORE_OPTIONS, placeOf(flow, name));
  const slots = { row: { serde, toRow: (row: unknown) => row } };
  return processorStep(flow, name, {
    processor: 'toTable',
    what: 'a toTable',
    table: true,
    slots,
    stores: [{ value: serde }],
    storeOptions: options,
    value: serde,
    readable: true,
  });
}

/** A store of a step. Its name is the step's, with `suffix` where the step has several. */
export interface StoreSpec {
  readonly suffix?: string;
  /** Called when the topology is finished, where it depends on serdes that may be known only then. */
  readonly value: Described | (() => Described);
  /** Of the store's keys, where they are not the record's own. */
  readonly key?: () => Described;
}

export interface ProcessorSpec {
  readonly processor: string;
  /** How messages call it: `a join`. */
  readonly what: string;
  readonly table: boolean;
  readonly slots: Readonly<Record<string, unknown>> | (() => Readonly<Record<string, unknown>>);
  readonly options?: ProcessorNode['options'];
  readonly tables?: readonly Step[];
  /** What it reads besides the flow itself, partitioned by the same key. */
  readonly others?: readonly Flow[];
  readonly stores?: readonly StoreSpec[];
  readonly storeOptions?: AnyStoreOptions | undefined;
  /** It does not need equal keys together, nor know how they are written. */
  readonly anyPartition?: boolean;
  /** The key of what it hands on, where that is not the key of its records. */
  readonly key?: StreamKey;
  /** How what it hands on is written. */
  readonly value?: AnySerde | undefined;
  /** Whether others can look up its rows. */
  readonly readable?: boolean;
}

/**
 * A processor with its stores. All it reads has one key, whose serde must be known in the end. Each store's name is durable, as
 * the step's is.
 */
export function processorStep(flow: Flow, name: string, spec: ProcessorSpec): Flow {
  const { draft, key } = flow;
  const { stores = [], storeOptions = {}, tables = [], others = [], slots } = spec;
  for (const other of others) sameDraft(flow, other, `step '${name}'`);
  const { renamedFrom, onDrop, onError } = storeOptions;
  const references = (): StoreReference[] =>
    stores.map(({ suffix = '', value, key: storeKey = () => key.serde! }) => ({
      name: name + suffix,
      key: storeKey().description,
      value: (typeof value === 'function' ? value() : value).description,
      ...(renamedFrom !== undefined && { renamedFrom: renamedFrom + suffix }),
    }));
  const step = draft.add({
    name,
    durable: true,
    what: spec.what,
    alsoNames: stores.flatMap(({ suffix }) => (suffix === undefined ? [] : [name + suffix])),
    inputs: [flow.step, ...others.map(other => other.step)],
    node: common => ({
      ...common,
      kind: 'processor',
      processor: spec.processor,
      table: spec.table,
      stores: references(),
      tables: tables.map(table => table.id),
      ...(spec.anyPartition && { anyPartition: true }),
      options: spec.options ?? {},
      ...(onDrop && { onDrop }),
    }),
    slots: typeof slots === 'function' ? slots : () => slots,
    onError,
  });
  if (!spec.anyPartition) key.need(name, draft.name);
  for (const other of others) {
    other.key.need(name, draft.name);
    key.unite(other.key, name, draft.name);
  }
  return { draft, step, key: spec.key ?? key, value: spec.value, readable: spec.readable ?? false };
}

export function valueMissing(flow: Flow, name: string, fix: string): Error {
  return flow.draft.error(
    'TOPO_SERDE_MISSING',
    `step '${name}' keeps values of '${flow.step.label}', and nothing says how they are written. Declare it: ${fix}.`,
    name,
  );
}
