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
  const combine = combiner(node, site);
  const view = new KeyView();
  const [leftRows, rightRows] = lookupsOf(node, site);
  const newChange = () => new Change(leftRows, rightRows);
  /** Where each change is whole by itself. */
  const alone = newChange();
  /** Those that have not come by all their ways yet, by key: a record may change several rows. */
  const pending = new Map<string, Change>();

  const handOn = ({ key, headers, left, right }: Change): void => {
    if (!left.isChanged) left.look(key);
    if (!right.isChanged) right.look(key);
    const { keyView, timestamp, otherHeaders } = unit;
    // where ways parted, another step may have set another key since
    if (unit.storeKey !== key) unit.keyView = view.ofText(key, keySerde);
    unit.timestamp = Math.max(left.timestamp, right.timestamp);
    unit.otherHeaders = headers;
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
  const pendingOf = (key: string): Change => {
    let change = pending.get(key);
    if (change === undefined) pending.set(key, (change = newChange().begin(key)));
    return change;
  };
  if (confluence !== null) {
    confluence.settle = () => {
      for (const change of pending.values()) handOn(change);
      pending.clear();
    };
    confluence.forget = () => pending.clear();
  }

  const changed = (side: 'left' | 'right') => (value: unknown, old: unknown) => {
    values[row + IN]!++;
    const { storeKey: key } = unit;
    if (key === null) throw new FatalError('TOPO_INTERNAL', `a change without a key reached '${node.id}'`);
    const isWhole = confluence === null || !confluence.isOpen;
    const change = isWhole ? alone.begin(key) : pendingOf(key);
    change.headers = unit.otherHeaders;
    change[side].change(value, old, unit.timestamp);
    if (isWhole) handOn(change);
  };
  return { steps: [changed('left'), changed('right')] };
}

/** The rows of the result, made from those of both tables when they are looked up. */
export function tableJoinRows(node: ProcessorNode, site: RowsSite): Lookup {
  const { left, right } = new Change(...lookupsOf(node, site));
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

const lookupsOf = ({ tables }: ProcessorNode, { lookup }: Pick<Site, 'lookup'>): [left: Lookup, right: Lookup] => [
  lookup(tables[0]!),
  lookup(tables[1]!),
];

/** What happens to the rows of a key. */
class Change {
  key = '';
  headers: Uint8Array | null = null;
  readonly left: Side;
  readonly right: Side;

  constructor(left: Lookup, right: Lookup) {
    this.left = new Side(left);
    this.right = new Side(right);
  }

  begin(key: string): this {
    this.key = key;
    this.left.isChanged = this.right.isChanged = false;
    return this;
  }
}

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
