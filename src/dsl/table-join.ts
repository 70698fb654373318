import { checkFunction, checkOptions, placeOf, sameDraft } from './arguments.ts';
import { FLOW } from './flow.ts';
import type { Flow } from './flow.ts';
import type { AnyErrorOptions } from './on-error.ts';
import { mustBeReadable, processorStep } from './steps.ts';

interface TableJoinSpec {
  readonly other: { readonly [FLOW]: Flow };
  readonly fn: unknown;
  /** Left rows that meet no right one are handed to `fn` too. */
  readonly left: boolean;
  /** Right rows as well. */
  readonly right: boolean;
  readonly options: AnyErrorOptions | undefined;
}

/** A join of two tables by their key. It keeps nothing: its rows are made from those of both tables whenever they are looked up. */
export function tableJoinStep(flow: Flow, name: string, { other, fn, left, right, options }: TableJoinSpec): Flow {
  const rows = other[FLOW];
  checkFunction(flow, name, fn);
  checkOptions(`'${name}'`, options, ['onError'], placeOf(flow, name));
  sameDraft(flow, rows, `join '${name}'`);
  mustBeReadable(flow, name);
  mustBeReadable(rows, name);
  return processorStep(flow, name, {
    processor: 'tableJoin',
    what: 'a join',
    table: true,
    others: [rows],
    tables: [flow.step, rows.step],
    slots: () => ({ fn, key: flow.key.serde }),
    options: { left, right },
    readable: true,
    storeOptions: options,
  });
}
