import { answer, subscription } from '../serdes/foreign-key.ts';
import type { Answer } from '../serdes/foreign-key.ts';
import type { Serde } from '../serdes/serde.ts';
import { checkFunction, checkOptions, placeOf, sameDraft, STEP_OPTIONS } from './arguments.ts';
import type { Step } from './draft.ts';
import { FLOW } from './flow.ts';
import type { Flow, StoreOptions } from './flow.ts';
import type { StreamKey } from './stream-key.ts';
import { mustBeReadable, processorStep, transformStep, valueMissing } from './steps.ts';

type AnySerde = Serde<unknown>;

export interface ForeignKeyJoinSpec {
  /** The foreign key of a left row. */
  readonly foreignKey: unknown;
  /** Makes the result of both rows. */
  readonly fn: unknown;
  readonly left: boolean;
  readonly options: Pick<StoreOptions, 'onDrop' | 'onError'> | undefined;
}

/**
 * A join on a foreign key (KIP-213), made of steps that others use too:
 *
 *     left ─▶ <name>-foreign-key ─▶ <name>-subscription ─▶ <name>-subscribers ─▶ <name>-response ─▶ <name>
 *
 * The first and last run where the left rows lie, the middle one where the right rows lie; between them are topics.
 */
export function foreignKeyJoin(
  flow: Flow,
  name: string,
  other: { readonly [FLOW]: Flow },
  { foreignKey, fn, left, options }: ForeignKeyJoinSpec,
): Flow {
  const right = other[FLOW];
  checkFunction(flow, name, foreignKey, 'the foreign key');
  checkFunction(flow, name, fn);
  checkOptions(`'${name}'`, options, STEP_OPTIONS, placeOf(flow, name));
  sameDraft(flow, right, `join '${name}'`);
  mustBeReadable(right, name);
  const fix = `.as(serde).${left ? 'leftJoin' : 'join'}('${name}', …)`;
  if (flow.value === undefined) throw valueMissing(flow, name, fix);
  if (right.value === undefined) throw valueMissing(right, name, 'join that table with .as(serde) behind it');
  const serdes = { leftKey: flow.key, left: flow.value, rightKey: right.key, right: right.value };
  const answers = answer(serdes.left.description, serdes.right.description);

  const parts = flow.draft.parts(name, () => {
    const referrers = referrersStep(flow, name, foreignKey, serdes, options);
    const subscribers = subscribersStep(referrers, right, name, serdes, left);
    const response = bytesKeyStep(subscribers, `${name}-response`, 'key', flow.key, () => answers);
    return { referrers, response };
  });
  return processorStep(parts.response, name, {
    processor: 'foreignKeyJoin',
    what: 'a join',
    table: true,
    others: [parts.referrers],
    tables: [parts.referrers.step],
    slots: { kept: { serde: answers, result: joiner(fn as Joiner, serdes.left, serdes.right) } },
    stores: [{ value: answers }],
    options: { left },
    readable: true,
    ...(options && { storeOptions: options }),
  });
}

interface Serdes {
  readonly leftKey: StreamKey;
  readonly left: AnySerde;
  readonly rightKey: StreamKey;
  readonly right: AnySerde;
}

function referrersStep(
  flow: Flow,
  name: string,
  fn: unknown,
  { rightKey, left }: Serdes,
  options: ForeignKeyJoinSpec['options'],
): Flow {
  const key = () => rightKey.serde!;
  return processorStep(flow, `${name}-foreign-key`, {
    processor: 'foreignKey',
    what: 'a join',
    table: false,
    slots: () => ({ fn, key: key(), left }),
    ...(options && { storeOptions: options }),
    stores: [{ value: () => ({ description: { type: 'foreign-key', of: key().description } }) }],
  });
}

function subscribersStep(referrers: Flow, right: Flow, name: string, serdes: Serdes, left: boolean): Flow {
  const messages = () => subscription(serdes.leftKey.serde!.description, serdes.left.description) as AnySerde;
  const referring = transformStep(referrers, 'filter', {
    name: `${name}-referring`,
    slots: { fn: (reference: { foreignKey: unknown }) => reference.foreignKey !== null },
    table: false,
  });
  const told = bytesKeyStep(referring, `${name}-subscription`, 'foreignKey', right.key, messages);
  return processorStep(told, `${name}-subscribers`, {
    processor: 'foreignKeySubscribers',
    what: 'a join',
    table: false,
    others: [right],
    tables: [right.step],
    slots: { right: serdes.right },
    stores: [{ value: messages }],
    options: { left },
  });
}

/** A repartition by a key that the value has as bytes already. */
function bytesKeyStep(flow: Flow, name: string, of: string, key: StreamKey, value: () => AnySerde): Flow {
  const { draft } = flow;
  const fn = (message: Readonly<Record<string, unknown>>) => message[of];
  const step: Step = draft.add({
    name,
    durable: true,
    what: 'a join',
    inputs: [flow.step],
    node: common => ({
      ...common,
      kind: 'key',
      table: false,
      key: key.serde!.description,
      value: value().description,
    }),
    slots: () => ({ fn, key: written(key.serde!), value: value() }),
  });
  return { draft, step, key, value: undefined };
}

/** A serde whose values have been written already. */
const written = (serde: AnySerde): AnySerde => ({
  encode: bytes => bytes as Uint8Array,
  decode: bytes => serde.decode(bytes),
  description: serde.description,
  ...(serde.unpartitionedBytes !== undefined && { unpartitionedBytes: serde.unpartitionedBytes }),
});

type Joiner = (left: unknown, right: unknown) => unknown;

const joiner =
  (fn: Joiner, left: AnySerde, right: AnySerde) =>
  (answered: Answer): unknown =>
    fn(left.decode(answered.left), answered.right === null ? null : right.decode(answered.right));
