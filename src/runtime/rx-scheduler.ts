import { Subscription } from 'rxjs';
import type { SchedulerAction, SchedulerLike } from 'rxjs';
import type { Clock } from './ports.ts';

type Action<T> = (this: SchedulerAction<T>, state: T) => void;

/** RxJS's scheduler on the task's clock, so that operators of time run on virtual time where the task does. */
export class ClockScheduler implements SchedulerLike {
  /** `failed` hears what scheduled code throws: it has no caller. */
  constructor(
    private readonly clock: Clock,
    private readonly failed: (thrown: unknown) => void,
  ) {}

  now(): number {
    return this.clock.now();
  }

  schedule<T>(work: Action<T>, delay?: number, state?: T): Subscription {
    return new ClockAction(this.clock, this.failed, work).schedule(state, delay);
  }
}

/** One piece of scheduled work; scheduled again, it waits for the new time only. */
class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  #wait: AbortController | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly failed: (thrown: unknown) => void,
    private readonly work: Action<T>,
  ) {
    super(() => this.#wait?.abort());
  }

  schedule(state?: T, delay = 0): Subscription {
    this.#wait?.abort();
    const wait = new AbortController();
    this.#wait = wait;
    void this.#run(wait.signal, delay, state as T);
    return this;
  }

  async #run(signal: AbortSignal, delay: number, state: T): Promise<void> {
    try {
      await this.clock.sleep(delay, signal);
      if (!signal.aborted) this.work.call(this, state);
    } catch (thrown) {
      this.failed(thrown);
    }
  }
}
