import { ReplaySubject, Subject, take } from 'rxjs';
import type { Observable } from 'rxjs';
import { FatalError } from '../errors.ts';
import type { RecordError } from '../errors.ts';
import type { Topology } from '../graph/topology.ts';
import { figuresOf } from './figures.ts';
import type { Figures } from './figures.ts';
import type { GlobalTable } from './global-table.ts';
import type { Counters } from './counters.ts';
import type { Broker, Clock } from './ports.ts';
import { caughtUp, settled } from './idle.ts';
import { lagNow, liveLag } from './lag.ts';
import type { PartitionLag } from './lag.ts';
import type { Latencies } from './latencies.ts';
import type { Live, LiveOptions, LiveSource } from './live-log.ts';
import { liveChanges, liveRecords } from './live-topic.ts';
import type { LiveRecord, StoreChange } from './live-topic.ts';
import { openStore } from './read-only-store.ts';
import type { ReadOnlyStore } from './read-only-store.ts';
import { storeBytesOf, storeFiguresOf } from './store-figures.ts';
import type { StorePart } from './store-figures.ts';
import type { Task } from './task.ts';
import type { Worker } from './worker.ts';

/** A dead letter as it happens: code and place, never the record's content. */
export type DeadLetterEvent = Pick<RecordError, 'code' | 'message' | 'place'>;

/** What an application is made of, by `start`. */
export interface Assembly {
  readonly topology: Topology;
  readonly created: readonly string[];
  readonly tasks: readonly Task[];
  readonly globals: readonly GlobalTable[];
  readonly worker: Worker;
  readonly broker: Broker;
  readonly clock: Clock;
  /** Of each task and global table. */
  readonly counters: readonly Counters[];
  readonly latencies: Latencies;
  readonly events: Events;
  readonly close: () => Promise<void>;
}

/** What happens inside, for who listens. */
export class Events {
  readonly deadLetters = new Subject<DeadLetterEvent>();
  readonly commits = new Subject<void>();
  readonly loops = new Subject<void>();
  /** A step has something to do that did not come from a topic. */
  readonly submits = new Subject<void>();
}

/** One running topology: its tasks on one worker. */
export class Application {
  readonly topology: Topology;
  /** Topics that this start created. */
  readonly created: readonly string[];
  /** Resolves when it has stopped with everything committed; rejects with what ended it. */
  readonly done: Promise<void>;
  readonly figures$: Observable<Figures>;
  readonly deadLetters$: Observable<DeadLetterEvent>;
  readonly lag$: Observable<readonly PartitionLag[]>;
  readonly #assembly: Assembly;
  readonly #figures = new Subject<Figures>();
  readonly #ended = new ReplaySubject<void>(1);

  constructor(assembly: Assembly) {
    const { topology, created, events } = assembly;
    this.#assembly = assembly;
    this.topology = topology;
    this.created = created;
    this.figures$ = this.#figures.asObservable();
    this.deadLetters$ = events.deadLetters.asObservable();
    this.lag$ = liveLag(assembly.tasks, assembly.clock, events.commits, this.#ended);
    events.commits.subscribe(() => {
      if (this.#figures.observed) this.#figures.next(this.figures());
    });
    this.done = this.#run();
    // who asks for `done` or stops it hears of a failure; nobody else has to listen
    this.done.catch(() => {});
  }

  figures(): Figures {
    const { topology, counters, tasks, worker, latencies } = this.#assembly;
    return figuresOf(topology, counters, {
      lag: tasks.reduce((total, task) => task.inputs.reduce((lag, input) => lag + input.lag, total), 0),
      isIdle: worker.isIdle,
      stores: storeFiguresOf(this.#stores),
      latencies: latencies.figures(),
    });
  }

  /** The lag of every partition it reads, by the ends that the broker has now. */
  async lag(): Promise<readonly PartitionLag[]> {
    const { tasks, broker, clock } = this.#assembly;
    return lagNow(tasks, broker, clock);
  }

  /** About how many bytes each store takes on disk; what was written last may be missing. */
  async storeBytes(): Promise<ReadonlyMap<string, number>> {
    return storeBytesOf(this.#stores);
  }

  /** Resolves once everything that lay in its topics at the call is processed and committed; rejects when it ends before. */
  async idle(): Promise<void> {
    const ended = this.done.then(() => {
      throw new FatalError('TOPO_CLOSED', `'${this.topology.name}' was stopped before it was idle.`);
    });
    // the race may be over before this one is
    ended.catch(() => {});
    const { tasks, globals, broker } = this.#assembly;
    const nextLoop = () => this.#nextLoop();
    const everything = [settled(tasks, broker, nextLoop), caughtUp(globals, broker, nextLoop)];
    await Promise.race([Promise.all(everything), ended]);
  }

  /** @throws TopologyError `TOPO_USAGE` when it has no store of that name */
  store<K = unknown, V = unknown>(name: string): ReadOnlyStore<K, V> {
    const { tasks, globals } = this.#assembly;
    return globals.find(table => table.name === name)?.readOnly<K, V>() ?? openStore<K, V>(this.topology, tasks, name);
  }

  /** The records of one of its source or sink topics, as they are committed. @throws TopologyError `TOPO_TOPIC_UNKNOWN` */
  records<K = unknown, V = unknown>(topic: string, options: LiveOptions = {}): Live<LiveRecord<K, V>> {
    return liveRecords(this.#live, this.topology, topic, options);
  }

  /** The changes of a store, as they are committed. @throws TopologyError `TOPO_USAGE` when it has none of that name to read */
  changes<K = unknown, V = unknown>(store: string, options: LiveOptions = {}): Live<StoreChange<K, V>> {
    return liveChanges(this.#live, this.topology, this.#assembly.tasks, store, options);
  }

  get #stores(): StorePart[] {
    const { tasks, globals } = this.#assembly;
    return [...tasks.flatMap(task => task.stores), ...globals.map(table => table.part)];
  }

  get #live(): LiveSource {
    const { broker, clock } = this.#assembly;
    return { broker, clock, ended: this.#ended };
  }

  /** Finishes the record at hand, commits and closes. Rejects with what ended the run, if something did. */
  async stop(): Promise<void> {
    this.#assembly.worker.stop();
    await this.done;
  }

  /** Ends it as a crash would: what is not committed is gone. */
  async crash(): Promise<void> {
    this.#assembly.worker.abandon();
    await this.done;
  }

  /** Somewhere the operators of a `pipe` are waited for. */
  get isDraining(): boolean {
    return this.#assembly.tasks.some(task => task.isDraining);
  }

  /** Resolves when every task has had a turn. */
  async turn(): Promise<void> {
    // the loop under way may have passed a task already
    for (let loops = 0; loops < 2; loops++) {
      this.#assembly.events.submits.next();
      await Promise.race([this.#nextLoop(), this.done]);
    }
  }

  #nextLoop(): Promise<void> {
    return new Promise(resolve => this.#assembly.events.loops.pipe(take(1)).subscribe(() => resolve()));
  }

  async #run(): Promise<void> {
    const { worker, events, close } = this.#assembly;
    try {
      await worker.run();
    } finally {
      this.#ended.next();
      await close();
      this.#figures.complete();
      events.deadLetters.complete();
    }
  }
}
