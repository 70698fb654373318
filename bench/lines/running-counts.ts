import { json, string, topic } from '../../src/index.ts';
import { aggregateState } from '../../src/serdes/index.ts';
import type { ValueCodec } from '../bare/bounded-cache.ts';
import { KeyedState } from '../bare/keyed-state.ts';
import { together } from '../bare/log-loop.ts';
import type { Effects, LogLoop } from '../bare/log-loop.ts';
import { Output } from '../bare/output.ts';
import type { RecordCursor } from '../bare/record-cursor.ts';
import { OUT, stateMemory } from './line.ts';

export const COUNTS = topic(OUT, string(), json<number>());

/** Key and value of a count, as the engine's stores weigh them. */
const COUNT_BYTES = 20;

/** By hand: a count a key in a store with a changelog, each new one written out. */
export class RunningCounts {
  private readonly json = json<number>();

  private constructor(
    private readonly output: Output,
    private readonly state: KeyedState<number>,
  ) {}

  static async open(loop: LogLoop, changelog: string, memoryBytes: number): Promise<RunningCounts> {
    const state = aggregateState([['value', 'count']]);
    const codec: ValueCodec<number> = {
      encode: value => state.encode({ value }),
      decode: bytes => state.decode(bytes)['value'] as number,
    };
    const size = { ...stateMemory(memoryBytes), entryBytes: COUNT_BYTES };
    return new RunningCounts(await Output.open(loop, OUT), await KeyedState.open(loop, changelog, size, codec));
  }

  add(cursor: RecordCursor, partition: number): void {
    const entry = this.state.get(partition, cursor.keyText());
    const count = (entry.value ?? 0) + 1;
    this.state.put(partition, entry, count, Math.max(cursor.timestamp, entry.timestamp));
    this.output.partitions[partition]!.append(cursor, this.json.encode(count));
  }

  effects(): Effects {
    return together(this.output.effects(), this.state.effects());
  }

  close(): Promise<void> {
    return this.state.close();
  }
}
