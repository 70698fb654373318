import { FatalError } from '../../errors.ts';
import type {
  Clock,
  Commit,
  CommitOutcome,
  Membership,
  MembershipListener,
  OffsetCommit,
  TaskSpec,
  TaskWriter,
} from '../../runtime/ports.ts';
import { checkCommit } from './check-commit.ts';
import type { CommitLog } from './commit-log.ts';

/**
 * The consumer groups of one process. There is one member at a time for a task: the one that joined last, to which a member
 * that joined before must give the task up (`revoked`) first.
 */
export class Groups {
  readonly #log: CommitLog;
  readonly #clock: Pick<Clock, 'yield'>;
  readonly #members = new Map<string, Set<Member>>();

  constructor(log: CommitLog, clock: Pick<Clock, 'yield'>) {
    this.#log = log;
    this.#clock = clock;
  }

  async join(group: string, tasks: readonly TaskSpec[], listener: MembershipListener): Promise<Membership> {
    const members = this.#members.get(group) ?? new Set<Member>();
    this.#members.set(group, members);
    const taken = new Set(tasks.map(task => task.id));
    for (const member of members) await member.giveUp(taken);
    const member = new Member(this.#log, group, tasks, listener, () => members.delete(member));
    members.add(member);
    member.start(this.#clock.yield());
    return member;
  }
}

class Member implements Membership {
  readonly #log: CommitLog;
  readonly #group: string;
  readonly #held: Map<string, TaskSpec>;
  readonly #writers = new Map<string, Writer>();
  readonly #listener: MembershipListener;
  readonly #onLeave: () => void;
  /** The listener's calls, one behind the other. */
  #told: Promise<void> = Promise.resolve();

  constructor(
    log: CommitLog,
    group: string,
    tasks: readonly TaskSpec[],
    listener: MembershipListener,
    onLeave: () => void,
  ) {
    this.#log = log;
    this.#group = group;
    this.#held = new Map(tasks.map(task => [task.id, task]));
    this.#listener = listener;
    this.#onLeave = onLeave;
  }

  /** Assigns all tasks, once the caller of `join` has its membership: the listener opens them through it. */
  start(returned: Promise<void>): void {
    const tasks = [...this.#held.keys()];
    this.#told = returned.then(() => this.#listener.assigned(tasks));
    this.#told.catch(() => {}); // thrown by `leave`
  }

  async giveUp(tasks: ReadonlySet<string>): Promise<void> {
    const given = [...this.#held.keys()].filter(task => tasks.has(task));
    if (given.length === 0) return;
    this.#told = this.#told.then(() => this.#listener.revoked(given));
    try {
      await this.#told;
    } finally {
      for (const task of given) this.#drop(task);
    }
  }

  async open(task: string): Promise<TaskWriter> {
    const spec = this.#held.get(task);
    if (spec === undefined)
      throw new FatalError('TOPO_FENCED', `Task ${task} of group ${this.#group} is held by another member.`);
    this.#writers.get(task)?.fence();
    const writer = new Writer(this.#log, this.#group);
    this.#writers.set(task, writer);
    await this.#log.settled();
    const { state } = this.#log;
    writer.committed = spec.inputs
      .map(({ topic, partition }) => state.committed(this.#group, topic, partition))
      .filter(committed => committed !== undefined);
    return writer;
  }

  async holds(task: string): Promise<boolean> {
    return this.#held.has(task);
  }

  /** Fences what is still open. @throws what the listener threw. */
  async leave(): Promise<void> {
    this.#onLeave();
    for (const task of [...this.#held.keys()]) this.#drop(task);
    await this.#told;
  }

  #drop(task: string): void {
    this.#held.delete(task);
    this.#writers.get(task)?.fence();
  }
}

class Writer implements TaskWriter {
  committed: readonly OffsetCommit[] = [];
  readonly #log: CommitLog;
  readonly #group: string;
  #fenced = false;
  #closed = false;
  #committing = false;

  constructor(log: CommitLog, group: string) {
    this.#log = log;
    this.#group = group;
  }

  /** What is being written is written; what waits is not. */
  fence(): void {
    this.#fenced = true;
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    if (this.#fenced) return { kind: 'fenced' };
    if (this.#closed) throw new FatalError('TOPO_CLOSED', 'The writer of this task is closed.');
    if (this.#committing) throw new FatalError('TOPO_INTERNAL', 'Two commits of one task at once.');
    checkCommit(commit, this.#log.state);
    this.#committing = true;
    try {
      const baseOffsets = await this.#log.append({ group: this.#group, commit }, () => !this.#fenced);
      return baseOffsets === undefined ? { kind: 'fenced' } : { kind: 'committed', baseOffsets };
    } finally {
      this.#committing = false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
