import { FatalError } from '../../errors.ts';
import type { StateBackend, TaskState } from '../../runtime/ports.ts';
import type { DiskFaults } from './disk-faults.ts';
import type { Random } from './random.ts';
import type { Turns } from './scheduler.ts';

type Entry = readonly [key: string, value: Uint8Array | null];

/** Entries that a read-through hands over at a time. */
const SLICE = 100;

/** One task's state: what is surely on disk, and what was written since. */
interface StoredState {
  readonly synced: Map<string, Uint8Array>;
  writes: (readonly Entry[])[];
  /** Written, then lost or spoilt: it does not open, or shows that something is missing. */
  flaw: 'none' | 'hole' | 'damaged';
}

/** The states of a machine that nobody uses. */
export type StateImage = ReadonlyMap<string, StoredState>;

/** A task's entries as it would find them. */
export const entriesIn = (image: StateImage, task: string): ReadonlyMap<string, Uint8Array> => {
  const state = image.get(task);
  return state === undefined ? new Map<string, Uint8Array>() : current(state);
};

/**
 * State as LevelDB keeps it: writes are atomic and never synced, so that the power's going takes the last ones, or some out of
 * the middle. The process's going takes none.
 */
export class SimulatedState implements StateBackend {
  readonly #states: Map<string, StoredState>;
  readonly #open = new Set<string>();
  /** Set aside, though nothing was wrong with them. */
  readonly wronglySetAside: string[] = [];

  constructor(
    image: StateImage,
    private readonly turns: Turns,
    private readonly faults: DiskFaults,
  ) {
    this.#states = new Map([...image].map(([task, state]) => [task, { ...state, writes: [...state.writes] }]));
  }

  /** As its process left it. What was written may have reached the disk meanwhile. */
  image(random: Random): StateImage {
    return new Map(
      [...this.#states].map(([task, state]) => {
        const isSynced = random.chance(0.5);
        return [task, isSynced ? { ...state, synced: current(state), writes: [] } : state];
      }),
    );
  }

  afterPowerCut(random: Random): StateImage {
    return new Map([...this.#states].map(([task, state]) => [task, afterPower(state, random)]));
  }

  /** What must be set aside when it is opened. */
  get flawed(): string[] {
    return [...this.#states].flatMap(([task, { flaw }]) => (flaw === 'none' ? [] : [task]));
  }

  open(task: string): Promise<TaskState> {
    return this.turns.turn(`open the state of ${task}`, () => {
      if (this.#open.has(task))
        throw new FatalError('TOPO_FOLDER_LOCKED', `the state of ${task} is open already`, { path: task });
      const state = this.#states.get(task) ?? { synced: new Map(), writes: [], flaw: 'none' };
      this.#states.set(task, state);
      if (state.flaw === 'damaged')
        throw new FatalError('TOPO_STATE_DAMAGED', `the state of ${task} is damaged`, { path: task });
      this.#open.add(task);
      return this.#opened(task, state);
    });
  }

  setAside(task: string): Promise<string> {
    return this.turns.turn(`set the state of ${task} aside`, () => {
      if (this.#open.has(task)) throw new Error(`the state of ${task} is open while it is set aside`);
      if (this.#states.get(task)?.flaw === 'none') this.wronglySetAside.push(task);
      this.#states.delete(task);
      return `simulated:${task}.damaged`;
    });
  }

  #opened(task: string, state: StoredState): TaskState {
    const { turns, faults } = this;
    const entries = current(state);
    const check = () => {
      if (!this.#open.has(task)) throw new Error(`the state of ${task} is used when it is closed`);
    };
    const read = <T>(what: () => T): T => {
      check();
      const why = faults.next('read');
      if (why !== undefined)
        throw new FatalError('TOPO_DISK', `the state of ${task} cannot be read: ${why}`, { path: task });
      return what();
    };
    return {
      get: key => read(() => entries.get(key)),
      write: given => {
        const write = [...given].map(([key, value]): Entry => [key, value === null ? null : new Uint8Array(value)]);
        return turns.turn(`write ${write.length} to the state of ${task}`, () => {
          check();
          const why = faults.next('write');
          if (why !== undefined)
            throw new FatalError('TOPO_DISK', `the state of ${task} cannot be written: ${why}`, { path: task });
          state.writes.push(write);
          apply(entries, write);
        });
      },
      async *entries(from, to) {
        const keys = [...entries.keys()].filter(key => from <= key && key < to).sort();
        const found = keys.map(key => [key, entries.get(key)!] as const);
        for (let at = 0; at === 0 || at < found.length; at += SLICE)
          yield* await turns.turn(`read the state of ${task} through`, () => read(() => found.slice(at, at + SLICE)));
      },
      approximateBytes: async () => 0,
      close: () => turns.turn(`close the state of ${task}`, () => void this.#open.delete(task)),
    };
  }
}

const current = ({ synced, writes }: StoredState): Map<string, Uint8Array> => {
  const entries = new Map(synced);
  for (const write of writes) apply(entries, write);
  return entries;
};

function apply(entries: Map<string, Uint8Array>, write: readonly Entry[]): void {
  for (const [key, value] of write)
    if (value === null) entries.delete(key);
    else entries.set(key, value);
}

function afterPower(state: StoredState, random: Random): StoredState {
  const { writes } = state;
  if (random.chance(0.1)) return { ...state, flaw: 'damaged' };
  const prefix = random.below(writes.length + 1);
  const hasHoles = random.chance(0.5);
  const kept = writes.filter((_, at) => at < prefix || (hasHoles && random.chance(0.5)));
  const last = kept.at(-1);
  const isHole = last !== undefined && writes.indexOf(last) >= kept.length;
  const synced = current({ synced: state.synced, writes: kept, flaw: 'none' });
  return { synced, writes: [], flaw: isHole && state.flaw === 'none' ? 'hole' : state.flaw };
}
