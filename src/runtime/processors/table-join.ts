import { FatalError } from '../../errors.ts';
import type { ProcessorNode } from '../../graph/topology.ts';
import type { Serde } from '../../serdes/serde.ts';
import type { Compiled, Lookup, RowsSite, Site } from '../chain.ts';
import { IN, OUT } from '../counters.ts';
import { KeyView } from '../key-view.ts';
import { defined } from '../values.ts';

/** The result of two rows; null where they have none. */
type Combine = (left: unknown, right: unknown) => unknown;

/**
 * Two tables by key. Each change of either gives the change of the result: what the rows came to before it and what they come to
 * now, unless both are nothing. A result is as old as the younger of its rows.
 */
export function tableJoin(node: ProcessorNode, site: Site): Compiled {
  const { unit, next, needsOld, confluence } = site;
  const keySerde = site.slots['key'] as Serde<unknown>;
  const { values } = site.counters;
  const row = site.counters.row(node.id);
  const [left, right] = sidesOf(node, site);
  const combine = combiner(node, site);
  const view = new KeyView();
  /** Whose change is under way; null: none is. */
  let key: string | null = null;
  let headers: Uint8Array | null = null;

  const forget = () => {
    key = null;
    left.isChanged = right.isChanged = false;
  };
  const settle = () => {
    if (key === null) return;
    try {
      if (!left.isChanged) left.look(key);
      if (!right.isChanged) right.look(key);
    } catch (error) {
      // the unit is taken back, and this change with it
      forget();
      throw error;
    }
    const { keyView, timestamp, otherHeaders } = unit;
    // where ways parted, another step may have set another key since
    if (unit.storeKey !== key) unit.keyView = view.ofText(key, keySerde);
    unit.timestamp = Math.max(left.timestamp, right.timestamp);
    unit.otherHeaders = headers;
    forget();
    const result = combine(left.now, right.now);
    const old = result === null || needsOld ? combine(left.before, right.before) : null;
    if (result !== null || old !== null) {
      values[row + OUT]!++;
      next(result, old);
    }
    unit.keyView = keyView;
    unit.timestamp = timestamp;
    unit.otherHeaders = otherHeaders;
  };
  if (confluence !== null) {
    confluence.settle = settle;
    confluence.forget = forget;
  }

  const changed = (side: Side) => (value: unknown, old: unknown) => {
    values[row + IN]!++;
    const { storeKey } = unit;
    if (storeKey === null) throw new FatalError('TOPO_INTERNAL', `a change without a key reached '${node.id}'`);
    if (key !== storeKey) settle();
    key = storeKey;
    headers = unit.otherHeaders;
    side.change(value, old, unit.timestamp);
    if (confluence === null || !confluence.isOpen) settle();
  };
  return { steps: [changed(left), changed(right)] };
}

/** The rows of the result, made from those of both tables when they are looked up. */
export function tableJoinRows(node: ProcessorNode, site: RowsSite): Lookup {
  const [left, right] = sidesOf(node, site);
  const combine = combiner(node, site);
  const rows = {
    timestamp: -1,
    get(key: string): unknown {
      left.look(key);
      right.look(key);
      rows.timestamp = Math.max(left.timestamp, right.timestamp);
      return combine(left.now, right.now);
    },
  };
  return rows;
}

const sidesOf = ({ tables }: ProcessorNode, { lookup }: Pick<Site, 'lookup'>): [Side, Side] => [
  new Side(lookup(tables[0]!)),
  new Side(lookup(tables[1]!)),
];

/** One of the tables, as far as a key's result needs it. */
class Side {
  now: unknown = null;
  /** The row before the change under way. */
  before: unknown = null;
  /** Of the row that is there, or of the change; -1: there is no row. */
  timestamp = -1;
  /** The change under way came to this side. */
  isChanged = false;

  constructor(private readonly rows: Lookup) {}

  look(key: string): void {
    this.now = this.before = this.rows.get(key);
    this.timestamp = this.now === null ? -1 : this.rows.timestamp;
  }

  change(value: unknown, old: unknown, timestamp: number): void {
    if (!this.isChanged) this.before = old;
    this.timestamp = this.isChanged ? Math.max(this.timestamp, timestamp) : timestamp;
    this.now = value;
    this.isChanged = true;
  }
}

function combiner(node: ProcessorNode, { slots, unit }: Pick<Site, 'slots' | 'unit'>): Combine {
  const { fn } = slots;
  const [keepsLeft, keepsRight] = [node.options['left'] === true, node.options['right'] === true];
  return (left, right) => {
    if (left === null && (right === null || !keepsRight)) return null;
    if (right === null && !keepsLeft) return null;
    const { step } = unit;
    unit.step = node.id;
    const result: unknown = defined(fn(left, right));
    unit.step = step;
    return result;
  };
}
