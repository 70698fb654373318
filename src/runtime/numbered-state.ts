import { FatalError } from '../errors.ts';
import type { Log, StateBackend, TaskState } from './ports.ts';
import type { StateWrite } from './store.ts';

/** Changes when a state of an earlier version no longer means the same. */
const FORMAT = 1;
const WRITES_KEPT = 10_000;

const ORIGIN_KEY = 'm/origin';
const [FIRST_KEY, END_KEY] = ['write/', 'write0'];
const numberedKey = (write: number) => `${FIRST_KEY}${String(write).padStart(16, '0')}`;
const originOf = (clusterId: string) => JSON.stringify({ format: FORMAT, cluster: clusterId });

/**
 * A task's state whose writes are numbered from 1 without a gap, the last 10,000 kept: LevelDB is not fsynced, so a power cut may
 * take writes out of the middle, and a gap shows it. The first write says which cluster the state belongs to.
 */
export class NumberedState implements TaskState {
  #last: number;

  private constructor(
    private readonly state: TaskState,
    private readonly origin: string,
    last: number,
  ) {
    this.#last = last;
  }

  /** Or what is wrong with the state, as text that follows "the state of task …". */
  static async over(state: TaskState, clusterId: string): Promise<NumberedState | string> {
    const origin = originOf(clusterId);
    const first = await firstEntry(state);
    if (first === undefined) return new NumberedState(state, origin, 0);
    const found = state.get(ORIGIN_KEY);
    if (found === undefined) return 'does not say where it comes from';
    if (textOf(found) !== origin) return 'belongs to another cluster or another version of Topo';
    let expected: number | undefined;
    for await (const [, value] of state.entries(FIRST_KEY, END_KEY)) {
      const write = Number(textOf(value));
      // the numbers before it may be gone, but only those that are not kept
      expected ??= write > WRITES_KEPT ? write : 1;
      if (write !== expected) return `lacks write ${expected}`;
      expected = write + 1;
    }
    if (expected === undefined) return 'lacks its writes';
    return new NumberedState(state, origin, expected - 1);
  }

  get(key: string): Uint8Array | undefined {
    return this.state.get(key);
  }

  entries(from: string, to: string): AsyncIterable<readonly [key: string, value: Uint8Array]> {
    return this.state.entries(from, to);
  }

  approximateBytes(from: string, to: string): Promise<number> {
    return this.state.approximateBytes(from, to);
  }

  async write(entries: Iterable<StateWrite>): Promise<void> {
    const write = this.#last + 1;
    const own: StateWrite[] = [
      [numberedKey(write), Buffer.from(String(write))],
      [numberedKey(write - WRITES_KEPT), null],
    ];
    if (write === 1) own.push([ORIGIN_KEY, Buffer.from(this.origin)]);
    await this.state.write([...entries, ...own]);
    this.#last = write;
  }

  close(): Promise<void> {
    return this.state.close();
  }
}

export interface StateRequest {
  /** In the backend. */
  readonly id: string;
  /** What the state is of, as text: `task claims-0`. */
  readonly of: string;
  readonly backend: StateBackend;
  readonly stateBytes: number;
  readonly clusterId: string;
  readonly log: Log;
}

/**
 * Opens a state. It is never wiped: one that is damaged, has a hole, belongs to another cluster or has the flaw that `flawOf` finds
 * (text that follows "the state of …") is set aside, and a new one begun.
 * @throws FatalError
 */
export async function openNumbered(
  request: StateRequest,
  flawOf: (state: TaskState) => string | null = () => null,
): Promise<NumberedState> {
  const { id, of, backend, log } = request;
  const opened = await openSound(request, flawOf);
  if (typeof opened !== 'string') return opened;
  const path = await backend.setAside(id);
  log.warn({ code: 'TOPO_STATE_DAMAGED', task: id, path }, `the state of ${of} ${opened}: it is set aside and rebuilt`);
  const again = await openSound(request, flawOf);
  if (typeof again !== 'string') return again;
  throw new FatalError('TOPO_STATE_DAMAGED', `the state of ${of}, made anew, ${again}`, { path });
}

/** Or what is wrong with it; then it is closed. */
async function openSound(
  { id, backend, stateBytes, clusterId }: StateRequest,
  flawOf: (state: TaskState) => string | null,
): Promise<NumberedState | string> {
  let state: TaskState;
  try {
    state = await backend.open(id, stateBytes);
  } catch (error) {
    if (error instanceof FatalError && error.code === 'TOPO_STATE_DAMAGED') return `does not open (${error.message})`;
    throw error;
  }
  let isSound = false;
  try {
    const numbered = await NumberedState.over(state, clusterId);
    const flaw = typeof numbered === 'string' ? numbered : flawOf(numbered);
    isSound = flaw === null;
    return flaw ?? numbered;
  } finally {
    if (!isSound) await state.close();
  }
}

async function firstEntry(state: TaskState): Promise<string | undefined> {
  for await (const [key] of state.entries('', '\uffff')) return key;
  return undefined;
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
