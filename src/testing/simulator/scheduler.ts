import type { Clock } from '../../runtime/ports.ts';
import type { Random } from './random.ts';
import type { Trace } from './trace.ts';

/** Time that a simulation's processes share. */
export interface SimulatedTime {
  now: number;
}

/** Who asks for a turn. */
export interface Turns {
  /**
   * Resolves to what `effect` returned when its turn came, which others may come before. A process that dies meanwhile never
   * hears of it; then `partly`, if given, says what may be left of it instead.
   */
  turn<T>(what: string, effect: () => T, partly?: (random: Random) => void): Promise<T>;
}

/** Takes every turn at once: for looking at what a simulation left. */
export const atOnce: Turns = { turn: async (_what, effect) => effect() };

interface Waiting {
  readonly what: string;
  /** Settles its promise. */
  readonly take: () => void;
  /** What a dying process may still have done. */
  readonly leave: (random: Random) => void;
}

interface Sleeper {
  readonly due: number;
  readonly isDeadline: boolean;
  readonly wake: () => void;
}

/** How a process ended: by itself, or in the middle of something. */
export type End<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'died' };

/** Where a process dies. */
export interface Death {
  readonly deathAt: number;
  readonly deathOn: string;
  /** Whether it dies now, whatever comes next. */
  readonly isDoomed: () => boolean;
}

const MOST_TURNS = 100_000;
/** Macrotasks to wait for something that is not ours, before it counts as standing still. */
const PATIENCE = 20;

/**
 * One simulated process: everything in it that takes time asks here for a turn, and the seed says whose turn is next. So the
 * order of what goes on at once does not depend on Node, and the process can end between any two turns.
 */
export class Scheduler implements Clock, Turns {
  #waiting: Waiting[] = [];
  #sleepers: Sleeper[] = [];
  #turns = 0;
  #isDead = false;

  constructor(
    private readonly time: SimulatedTime,
    private readonly random: Random,
    private readonly trace: Trace,
  ) {}

  now(): number {
    return this.time.now;
  }

  elapsedMs(): number {
    return this.time.now;
  }

  yield(): Promise<void> {
    return this.turn('yield', () => {});
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#sleep(ms, false, signal);
  }

  /** Over only where nothing else goes on: what takes turns may take any time. */
  deadline(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#sleep(ms, true, signal);
  }

  #sleep(ms: number, isDeadline: boolean, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const sleeper: Sleeper = {
        due: this.time.now + ms,
        isDeadline,
        wake: () => {
          this.#sleepers = this.#sleepers.filter(one => one !== sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake);
    });
  }

  turn<T>(what: string, effect: () => T, partly?: (random: Random) => void): Promise<T> {
    // a dead process waits for ever
    if (this.#isDead) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      const take = () => {
        try {
          resolve(effect());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const leave = (random: Random) => {
        if (random.chance(1 / 3)) return;
        try {
          if (partly === undefined || random.chance(1 / 2)) effect();
          else partly(random);
        } catch {
          // nobody hears of it
        }
      };
      this.#waiting.push({ what, take, leave });
    });
  }

  /**
   * Lets the process run to its end, or to where it dies: at so many turns of a name that begins so, or where it is doomed. The last one is its last, or
   * was never, or something between. @throws Error when it does not end
   */
  async drive<T>(work: Promise<T>, { deathAt, deathOn, isDoomed }: Death): Promise<End<T>> {
    let end: End<T> | undefined;
    work.then(
      value => (end = { kind: 'returned', value }),
      (error: unknown) => (end = { kind: 'threw', error }),
    );
    let left = deathAt;
    for (let stillness = 0; ;) {
      await quiet();
      if (end !== undefined) return end;
      if (this.#turns >= MOST_TURNS) throw new Error(`it does not come to an end in ${MOST_TURNS} turns`);
      const next = this.#next();
      if (isDoomed() || (next?.what.startsWith(deathOn) && --left <= 0)) return this.#die();
      if (next !== undefined) {
        this.#take(next);
        stillness = 0;
      } else if (++stillness > PATIENCE)
        throw new Error(
          'it stands still: something waits for a timer, for I/O or for a promise that nobody settles. In a simulation only ' +
            'the application itself may take time; a function of its topology gives its result at once.',
        );
    }
  }

  /** Whose turn it is; time goes on where nobody else waits. */
  #next(): Waiting | undefined {
    const { random, time } = this;
    const sleepers = this.#sleepers.filter(one => !one.isDeadline);
    const next = sleepers.length > 0 || this.#waiting.length > 0 ? sleepers : this.#sleepers;
    if (next.length > 0 && (this.#waiting.length === 0 || random.chance(0.02))) {
      const first = next.reduce((a, b) => (b.due < a.due ? b : a));
      time.now = Math.max(time.now, first.due);
    }
    const due = next.filter(one => one.due <= time.now);
    if (due.length + this.#waiting.length === 0) return undefined;
    const at = random.below(due.length + this.#waiting.length);
    return at < due.length ? { what: 'wake', take: due[at]!.wake, leave: () => {} } : this.#waiting[at - due.length];
  }

  #take(next: Waiting): void {
    const { random, time } = this;
    this.#turns++;
    this.#waiting = this.#waiting.filter(one => one !== next);
    this.trace.add(`${this.#turns} @${time.now} ${next.what}`);
    next.take();
    if (random.chance(0.3)) time.now += 1 + random.below(3);
  }

  /** What is under way is done, half done or not. */
  #die(): End<never> {
    this.#isDead = true;
    for (const { leave } of this.#waiting) leave(this.random);
    this.#waiting = [];
    this.#sleepers = [];
    return { kind: 'died' };
  }
}

/** Resolves when nothing goes on any more without a turn. */
const quiet = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
