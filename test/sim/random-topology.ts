import { map as rxMap } from 'rxjs';
import {
  hopping,
  json,
  session,
  sliding,
  store,
  string,
  topic,
  topology,
  tumbling,
  windowed,
  within,
} from '../../src/index.ts';
import type {
  GlobalTable,
  Stream,
  Table,
  Topology,
  TopologyBuilder,
  VersionedTable,
  Windowed,
} from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import type { LogContent } from '../../src/testing/simulator/outcome.ts';
import type { Random } from '../../src/testing/simulator/random.ts';
import { called } from './taps.ts';

/** A topology and what is fed to it. */
export interface Case {
  readonly topology: Topology;
  readonly input: readonly InputRecord[];
  readonly partitions: number;
  /** What must hold of its log besides. @throws Error for what does not */
  readonly check?: (log: LogContent) => void;
}

/**
 * `plain`: no repartition, calls or clock, so that rule G2 holds. `any`: whatever the model knows. `unmodelled`: plain, with steps
 * that the model does not know, whose results are compared with those of a run that nothing disturbed.
 */
const SORTS = ['plain', 'plain', 'any', 'any', 'any', 'unmodelled'] as const;
type Sort = (typeof SORTS)[number];

interface Drawn<T> {
  readonly it: T;
  /** The source topics it comes from. */
  readonly roots: ReadonlySet<string>;
}

interface DrawnStream extends Drawn<Stream<string, string>> {
  /** No two of its values are the same. */
  readonly isUnique: boolean;
  isRead: boolean;
}

type DrawnTable = Drawn<Table<string, string>> & { isRead: boolean };

const rootsOf = (a: Drawn<unknown>, b: Drawn<unknown>) => new Set([...a.roots, ...b.roots]);
const areApart = (a: Drawn<unknown>, b: Drawn<unknown>) => rootsOf(a, b).size === a.roots.size + b.roots.size;

const KEYS = 4;
const LONGEST_MS = 60;

/** A number that hangs on a text alone. */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** A topology of a few steps, whose functions are pure and fail now and then, and records for its topics. */
export function drawCase(random: Random): Case {
  const sort = random.oneOf(SORTS);
  const names = [
    ...Array.from({ length: 1 + random.below(2) }, (_, n) => `s${n}`),
    ...Array.from({ length: random.below(3) }, (_, n) => `t${n}`),
    // a versioned table's and a global one's
    ...(sort === 'unmodelled' ? ['v0', 'g0'].filter(() => random.chance(0.5)) : []),
  ];
  const drawn = topology('sim', t => new Drawing(t, random.fork(), sort, names).draw());
  return { topology: drawn, input: drawInput(random.fork(), names), partitions: 1 + random.below(3) };
}

class Drawing {
  readonly #streams: DrawnStream[] = [];
  readonly #tables: DrawnTable[] = [];
  #versioned: VersionedTable<string, string> | undefined;
  #global: GlobalTable<string, string> | undefined;
  #steps = 0;
  readonly #fails: boolean;

  constructor(
    private readonly t: TopologyBuilder,
    private readonly random: Random,
    private readonly sort: Sort,
    private readonly topics: readonly string[],
  ) {
    this.#fails = random.chance(0.6);
  }

  draw(): void {
    const { random, t } = this;
    for (const name of this.topics) {
      // event time out of the value, for some
      const timestamp = random.chance(0.2) ? { timestamp: (value: string) => hash(value) % 400 } : {};
      const source = topic(name, string(), string(), timestamp);
      const roots = new Set([name]);
      if (name.startsWith('s')) this.#streams.push({ it: t.stream(source), roots, isUnique: true, isRead: false });
      else if (name.startsWith('t')) {
        const it = t.table(`${name}-rows`, source, { readFirst: random.chance(0.5) });
        this.#tables.push({ it, roots, isRead: false });
      }
    }
    if (this.topics.includes('v0'))
      this.#versioned = t.table('v0-rows', topic('v0', string(), string()), { versioned: 200 });
    if (this.topics.includes('g0')) this.#global = t.globalTable('g0-rows', topic('g0', string(), string()));
    const steps = 1 + random.below(6);
    for (let step = 0; step < steps; step++) this.#step();
    for (const { it, isRead } of this.#tables) if (!isRead) it.to(this.#sink());
    for (const { it, isRead } of this.#streams) if (!isRead || random.chance(0.2)) it.to(this.#sink());
  }

  #sink() {
    const config = this.random.chance(0.2) ? { 'cleanup.policy': 'compact' } : {};
    return topic(`out-${this.#steps++}`, string(), string(), { config });
  }

  #name(what: string): string {
    return `${what}-${this.#steps++}`;
  }

  /** Throws for one value in many, if this topology is one that fails. */
  #pure(name: string, fn: (value: string) => string): (value: string) => string {
    const fails = this.#fails && this.random.chance(0.3);
    return value => {
      if (fails && hash(name + value) % 7 === 0) throw new Error('an unlucky value');
      return fn(value);
    };
  }

  #stream(): DrawnStream {
    // the newest ones mostly, so that steps follow one another
    const all = this.#streams;
    const drawn = this.random.chance(0.6) ? all.at(-1)! : this.random.oneOf(all);
    drawn.isRead = true;
    return drawn;
  }

  #table(): DrawnTable | undefined {
    if (this.#tables.length === 0) return undefined;
    const drawn = this.random.oneOf(this.#tables);
    drawn.isRead = true;
    return drawn;
  }

  #addStream(it: Stream<string, string>, of: Drawn<unknown>, more: Partial<DrawnStream> = {}): void {
    this.#streams.push({ it, roots: of.roots, isUnique: false, isRead: false, ...more });
  }

  #step(): void {
    const { random } = this;
    const plain = [
      () => this.#stateless(),
      () => this.#merge(),
      () => this.#tableJoin(),
      () => this.#tableJoin(),
      () => this.#streamJoin(),
      () => this.#streamJoin(),
      () => this.#aggregate(),
      () => this.#window(),
      () => this.#timers(),
      () => this.#timers(),
      () => this.#twin(),
      () => this.#ofTables(),
    ];
    const more = [
      () => this.#keyBy(),
      () => this.#keyBy(),
      () => this.#keyBy(),
      () => this.#clock(),
      () => this.#calls(),
      () => this.#calls(),
      () => this.#pipe(),
    ];
    const others = { plain: [], any: more, unmodelled: [() => this.#unmodelled(), () => this.#unmodelled()] };
    random.oneOf([...plain, ...others[this.sort], ...others[this.sort]])();
  }

  #stateless(): void {
    const of = this.#stream();
    const { isUnique } = of;
    const name = this.#name('f');
    const kind = this.random.below(4);
    if (kind === 0) this.#addStream(of.it.map(this.#pure(name, value => `${value}m`)).as(string()), of, { isUnique });
    else if (kind === 1)
      this.#addStream(
        of.it.filter(value => hash(name + value) % 4 > 0),
        of,
        { isUnique },
      );
    else if (kind === 2) {
      const fn = this.#pure(name, value => value);
      this.#addStream(
        of.it.peek(value => void fn(value)),
        of,
        { isUnique },
      );
    } else {
      const fn = this.#pure(name, value => value);
      const parts = (value: string) => Array.from({ length: hash(name + fn(value)) % 3 }, (_, n) => `${value}.${n}`);
      this.#addStream(of.it.flatMap(parts).as(string()), of, { isUnique });
    }
  }

  #keyBy(): void {
    const of = this.#stream();
    const name = this.#name('by');
    const keyOf = this.#pure(name, value => `g${hash(name + value) % KEYS}`);
    this.#addStream(of.it.keyBy(name, keyOf, string()), of, { isUnique: of.isUnique });
  }

  #merge(): void {
    const [a, b] = [this.#stream(), this.#stream()];
    if (a === b) return;
    const isUnique = a.isUnique && b.isUnique && areApart(a, b);
    this.#addStream(a.it.merge(b.it), { ...a, roots: rootsOf(a, b) }, { isUnique });
  }

  #tableJoin(): void {
    const table = this.#table();
    if (table === undefined) return;
    const of = this.#stream();
    const name = this.#name('join');
    const fn = this.#pure(name, value => value);
    const joined = this.random.chance(0.5)
      ? of.it.join(name, table.it, (value, row) => fn(`${value}+${row}`))
      : of.it.leftJoin(name, table.it, (value, row) => fn(`${value}+${row}`));
    this.#addStream(joined.as(string()), { ...of, roots: rootsOf(of, table) });
  }

  #streamJoin(): void {
    const [left, right] = [this.#stream(), this.random.oneOf(this.#streams)];
    if (left === right) return;
    right.isRead = true;
    const { random } = this;
    const name = this.#name('pairs');
    const fn = this.#pure(name, value => value);
    const window = within(
      { before: random.below(LONGEST_MS), after: random.below(LONGEST_MS) },
      { grace: random.below(LONGEST_MS) },
    );
    const pair = (l: string | null, r: string | null) => fn(`${l}&${r}`);
    const joined = random.oneOf([
      () => left.it.join(name, right.it, window, pair),
      () => left.it.leftJoin(name, right.it, window, pair),
      () => left.it.outerJoin(name, right.it, window, pair),
    ])();
    this.#addStream(joined.as(string()), { ...left, roots: rootsOf(left, right) });
  }

  #aggregate(): void {
    const of = this.#stream();
    const name = this.#name('agg');
    const fn = this.#pure(name, value => value);
    const grouped = of.it.groupByKey();
    const it = this.random.chance(0.5)
      ? grouped
          .count(name)
          .map(count => `#${count}`)
          .as(string())
      : grouped.reduce(name, (before, value) => {
          const sum = fn(`${before}${value}`).slice(-24);
          return hash(sum) % 7 === 0 ? null : sum;
        });
    const table: DrawnTable = { it, roots: of.roots, isRead: false };
    this.#tables.push(table);
    if (this.random.chance(0.5)) this.#toStream(table);
  }

  #toStream(table: DrawnTable): void {
    table.isRead = true;
    const present = table.it.toStream().filter(value => value !== null);
    this.#addStream(present.as(string()), table);
  }

  #window(): void {
    const of = this.#stream();
    const { random } = this;
    const name = this.#name('win');
    const fn = this.#pure(name, value => value);
    const options = { grace: random.below(LONGEST_MS), emit: random.oneOf(['update', 'final'] as const) };
    const every = 5 + random.below(LONGEST_MS);
    const window = random.chance(0.5)
      ? tumbling(every, options)
      : hopping(every * (1 + random.below(3)), { every, ...options });
    const rows = of.it.groupByKey().window(window);
    const counted = rows
      .count(name)
      .map(count => fn(`w${count}`))
      .toStream();
    const results = counted.filter(value => value !== null).as(string());
    if (this.sort !== 'any' || random.chance(0.5)) results.to(topic(this.#name('out'), windowed(string()), string()));
    else
      this.#addStream(
        results.keyBy(this.#name('by'), (_, { key }) => key.key, string()),
        of,
      );
  }

  /** Remembers what comes, and hands it on when its key has been quiet. */
  #timers(): void {
    const of = this.#stream();
    const { random } = this;
    const name = this.#name('timed');
    const [waitMs, everyMs] = [1 + random.below(LONGEST_MS), 5 + random.below(LONGEST_MS)];
    const fn = this.#pure(name, value => value);
    const hasInterval = random.chance(0.4);
    const it = of.it.process(name, {
      stores: { last: store(string()), seen: store(string(), string()) },
      forwards: string(),
      record(value, { stores, timers, timestamp, forward }) {
        if (hash(name + value) % 5 === 0) {
          stores.last.delete();
          return timers.cancel('quiet');
        }
        const id = `id${hash(value) % 3}`;
        if (stores.seen.get(id) === null) forward(`first of ${id}`);
        stores.seen.put(id, value);
        stores.last.put(value);
        timers.set('quiet', timestamp + waitMs);
      },
      timers: {
        quiet({ stores, timers, timestamp, forward }) {
          forward(fn(`quiet ${stores.last.get()}`), { timestamp });
          if (hash(stores.last.get()!) % 3 === 0) timers.set('again', timestamp + waitMs);
        },
        again({ key, forward }) {
          forward(fn(`still quiet ${key}`));
        },
      },
      intervals: hasInterval
        ? { tick: { every: everyMs, run: ({ stores, timestamp }) => stores.seen.put('tick', String(timestamp)) } }
        : {},
    });
    this.#addStream(it, of);
  }

  /** What goes by the clock: its times are no part of what is handed on. */
  #clock(): void {
    const of = this.#stream();
    const name = this.#name('clock');
    const fn = this.#pure(name, value => value);
    const [waitMs, everyMs] = [1 + this.random.below(300), 20 + this.random.below(500)];
    const it = of.it.process(name, {
      stores: { last: store(string()), ticks: store(string(), string()) },
      forwards: string(),
      record(value, { stores, timers, now }) {
        stores.last.put(value);
        timers.set('later', now + waitMs);
      },
      clockTimers: {
        later({ stores, forward }) {
          forward(fn(`later ${stores.last.get()}`));
        },
      },
      clockIntervals: this.random.chance(0.5)
        ? {
            beat: {
              every: everyMs,
              run: ({ stores }) => stores.ticks.put('beats', `${stores.ticks.get('beats') ?? ''}.`.slice(-9)),
            },
          }
        : {},
    });
    this.#addStream(it, of);
  }

  #twin(): void {
    const of = this.#stream();
    const { random } = this;
    const name = this.#name('twin');
    const fn = this.#pure(name, value => value);
    const span = 1 + random.below(LONGEST_MS);
    const joined = (values: readonly string[]) => values.join('|');
    const twins = [
      () => of.it.scan(name, (state, value) => fn(`${state}${value}`).slice(-24), '', string()),
      () => of.it.distinctUntilChanged(name, { by: value => hash(name + value) % 3 }),
      () => of.it.pairwise(name).map(joined).as(string()),
      () =>
        of.it
          .bufferCount(name, 1 + random.below(4))
          .map(joined)
          .as(string()),
      () =>
        of.it
          .bufferTime(name, span)
          .map(values => fn(joined(values)))
          .as(string()),
      () => of.it.debounceTime(name, span),
      () => of.it.throttleTime(name, span),
      () => of.it.dedupe(name, { by: value => hash(name + value) % 4, within: span }),
    ];
    this.#addStream(random.oneOf(twins)(), of);
  }

  #calls(): void {
    const of = this.#stream();
    if (!of.isUnique) return;
    const { random } = this;
    const name = this.#name('calls');
    const fails = this.#fails && random.chance(0.5);
    const times = random.below(2);
    const options = {
      order: random.oneOf(['key', 'partition', 'none'] as const),
      concurrency: 1 + random.below(4),
      retry: { times, backoff: random.below(50) },
    };
    const call = async (value: string, { attempt }: { readonly attempt: number }) => {
      if (times > 0 && attempt === 1 && hash(name + value) % 5 === 0) throw new Error('try again');
      if (fails && hash(name + value) % 7 === 0) throw new Error(called(value));
      return called(value);
    };
    this.#addStream(of.it.mapAsync(name, call, options).as(string()), of, { isUnique: true });
  }

  #pipe(): void {
    const of = this.#stream();
    const fn = this.#pure(this.#name('f'), value => `${value}p`);
    const it = of.it.pipe(rxMap(record => ({ ...record, value: fn(record.value) })));
    // what it emits may have any key
    if (this.random.chance(0.5)) it.as(string()).to(this.#sink());
    else
      this.#addStream(it.as({ key: string(), value: string() }).repartition(this.#name('again')), of, {
        isUnique: of.isUnique,
      });
  }

  #unmodelled(): void {
    const of = this.#stream();
    const { random } = this;
    const name = this.#name('other');
    const span = 1 + random.below(LONGEST_MS);
    const options = { grace: random.below(LONGEST_MS), emit: random.oneOf(['update', 'final'] as const) };
    const [versioned, global, table] = [this.#versioned, this.#global, this.#table()];
    const toSink = (rows: Table<Windowed<string>, number>) =>
      rows.to(topic(`${name}-out`, windowed(string()), json<number>()));
    const steps = [
      () => toSink(of.it.groupByKey().window(session(span, options)).count(name)),
      () => toSink(of.it.groupByKey().window(sliding(span, options)).count(name)),
      () => {
        if (table === undefined) return;
        const limits = { timeLimit: span, ...(random.chance(0.5) && { maxRecords: 1 + random.below(3) }) };
        this.#toStream({ it: table.it.suppress(name, limits), roots: table.roots, isRead: false });
      },
      () => {
        if (versioned === undefined) return;
        const joined = random.chance(0.5)
          ? of.it.leftJoin(name, versioned, (value, row) => `${value}@${row}`, { grace: options.grace })
          : of.it.join(name, versioned, (value, row) => `${value}@${row}`, { grace: options.grace });
        this.#addStream(joined.as(string()), of);
      },
      () => {
        if (global === undefined) return;
        const keyOf = (value: string) => `k${hash(value) % KEYS}`;
        this.#addStream(of.it.leftJoin(name, global, keyOf, (value, row) => `${value}!${row}`).as(string()), of);
      },
    ];
    random.oneOf(steps)();
  }

  #ofTables(): void {
    const of = this.#table();
    if (of === undefined) return;
    const { random } = this;
    const name = this.#name('rows');
    const other = random.oneOf(this.#tables);
    const add = (it: Table<string, string>, roots = of.roots) => this.#tables.push({ it, roots, isRead: false });
    const kind = random.below(5);
    if (kind === 0) add(of.it.map(value => `${value}r`).as(string()));
    else if (kind === 1) add(of.it.filter(value => hash(name + value) % 3 > 0));
    else if (kind === 2) this.#toStream(of);
    else if (kind === 3 && areApart(other, of)) {
      other.isRead = true;
      const pair = (l: string | null, r: string | null) => `${l}*${r}`;
      const joined = random.oneOf([
        () => of.it.join(name, other.it, pair),
        () => of.it.leftJoin(name, other.it, pair),
        () => of.it.outerJoin(name, other.it, pair),
      ])();
      add(joined.as(string()), rootsOf(of, other));
    } else if (this.sort === 'any') {
      const groups = of.it.groupBy(this.#name('group'), value => `h${hash(name + value) % KEYS}`, string());
      add(
        groups
          .count(name)
          .map(count => `#${count}`)
          .as(string()),
      );
    }
  }
}

/** Few keys and near timestamps, so that much meets, is late, and comes twice. */
function drawInput(random: Random, topics: readonly string[]): InputRecord[] {
  const count = 10 + random.below(50);
  const hasFlaws = random.chance(0.5);
  let time = 0;
  return Array.from({ length: count }, (_, n): InputRecord => {
    const name = random.oneOf(topics);
    time += random.below(12);
    const timestamp = Math.max(0, time - (random.chance(0.3) ? random.below(40) : 0));
    const isNull = random.chance(name.startsWith('t') ? 0.2 : 0.03);
    const value = isNull ? null : hasFlaws && random.chance(0.05) ? Buffer.from([0xff, n]) : `${name}.${n}`;
    const key = hasFlaws && random.chance(0.05) ? null : `k${random.below(KEYS)}`;
    const headers = random.chance(0.2) ? { headers: [['n', Buffer.from(String(n))] as const] } : {};
    return { topic: name, key, value, timestamp, ...headers };
  });
}
