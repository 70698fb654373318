/** A fault to seed into a copy of the source: `find`, which stands there once, is replaced. */
export interface Mutant {
  readonly name: string;
  /** Under `src`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** What the simulator must notice: faults in the commit, in the restore, in the log, and in what a unit does. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'an offset is skipped at a commit',
    file: 'runtime/task.ts',
    find: 'offset: position,',
    replace: 'offset: position + (this.#commit % 7 === 0 ? 1 : 0),',
  },
  {
    name: 'the last record is read again after a restart',
    file: 'runtime/task.ts',
    find: 'input.seek(found?.offset ?? start);',
    replace: 'input.seek(Math.max(start, (found?.offset ?? start) - 1));',
  },
  {
    name: 'the store is written before the log',
    file: 'runtime/task.ts',
    find: 'const outcome = await this.#writer.commit({ appends, offsets });',
    replace: 'await this.#stores.state.write(writes); const outcome = await this.#writer.commit({ appends, offsets });',
  },
  {
    name: 'offsets are committed before outputs',
    file: 'runtime/task.ts',
    find: 'const outcome = await this.#writer.commit({ appends, offsets });',
    replace:
      'await this.#writer.commit({ appends: [], offsets }); const outcome = await this.#writer.commit({ appends, offsets: [] });',
  },
  {
    name: 'outputs are committed before offsets, so that an epoch may be replayed',
    file: 'runtime/task.ts',
    find: 'const outcome = await this.#writer.commit({ appends, offsets });',
    replace:
      'const outcome = await this.#writer.commit({ appends, offsets: [] }); await this.#writer.commit({ appends: [], offsets });',
  },
  {
    name: 'a readFirst table forgets at a restart where it ended',
    file: 'runtime/task.ts',
    find: '...(input.readFirst && { until }),',
    replace: '',
  },
  {
    name: 'timers and windows are forgotten at a restart',
    file: 'runtime/task-schedules.ts',
    find: 'if (due !== null) schedule.add(due, key);',
    replace: '',
  },
  {
    name: 'stream time is not kept',
    file: 'runtime/task-schedules.ts',
    find: "schedule.begin(time === 'stream' ? now : -1, isLeftDue);",
    replace: 'schedule.begin(-1, isLeftDue);',
  },
  {
    name: 'what was due and could not go is forgotten at a restart',
    file: 'runtime/task-schedules.ts',
    find: 'isLeftDue = value.length > 0;',
    replace: '',
  },
  {
    name: 'stream time is taken back with a failed unit',
    file: 'runtime/unit-runner.ts',
    find: 'const error = this.#refusal(thrown);\n    this.times.turnBack();',
    replace: 'const error = this.#refusal(thrown);',
  },
  {
    name: 'what fell due in a failed unit is not put back',
    file: 'runtime/schedule.ts',
    find: 'this.#putBack(this.#unitStart);',
    replace: '',
  },
  {
    name: "a failed unit's state is not taken back",
    file: 'runtime/unit-runner.ts',
    find: 'this.undo.rollback();',
    replace: '',
  },
  {
    name: "a failed unit's outputs are not taken back",
    file: 'runtime/unit-runner.ts',
    find: 'this.outputs.rollback();',
    replace: '',
  },
  {
    name: 'a restore loses tombstones',
    file: 'runtime/restore.ts',
    find: 'writes.push([prefix + records.keyText(), value === null ? null : stamped(value, records.timestamp)]);',
    replace: 'if (value !== null) writes.push([prefix + records.keyText(), stamped(value, records.timestamp)]);',
  },
  {
    name: 'a restore begins one record too late',
    file: 'runtime/restore.ts',
    find: 'let offset = Math.max(from, range!.start);',
    replace: 'let offset = Math.max(from + (from > 0 ? 1 : 0), range!.start);',
  },
  {
    name: 'a restore forgets timestamps',
    file: 'runtime/restore.ts',
    find: 'stamped(value, records.timestamp)',
    replace: 'stamped(value, 0)',
  },
  {
    name: 'a gap in the numbers of state writes is ignored',
    file: 'runtime/numbered-state.ts',
    find: 'if (write !== expected) return `lacks write ${expected}`;',
    replace: '',
  },
  {
    name: 'writes of a restore are not numbered',
    file: 'runtime/restore.ts',
    find: 'await state.write([...writes, reflects(plan, offset)]);',
    replace: 'await (state as unknown as { state: TaskState }).state.write([...writes, reflects(plan, offset)]);',
  },
  {
    name: 'a store drops from its cache what is still on its way to the disk',
    file: 'runtime/store.ts',
    find: 'if (entry.isUsed || entry.epoch > this.#flushedEpoch) {',
    replace: 'if (entry.isUsed || entry.epoch === this.#epoch) {',
  },
  {
    name: 'an aborted epoch leaves its outputs',
    file: 'runtime/task.ts',
    find: 'this.#outputs.clear();',
    replace: '',
  },
  {
    name: 'an aborted epoch leaves its state',
    file: 'runtime/task.ts',
    find: 'this.#stores.abort();',
    replace: '',
  },
  {
    name: 'of equal timestamps the later input goes first',
    file: 'runtime/order.ts',
    find: 'input.headTimestamp < best.headTimestamp',
    replace: 'input.headTimestamp <= best.headTimestamp',
  },
  {
    name: 'a task does not wait for an input that has more',
    file: 'runtime/order.ts',
    find: 'if (!input.isAtEnd) return undefined;',
    replace: '',
  },
  {
    name: 'calls that were under way are not made again',
    file: 'runtime/processors/map-async.ts',
    find: 'for await (const [key, entry, timestamp] of entries) this.#hold(timeAt(key, 0), entry, timestamp, -1);',
    replace: 'for await (const [key] of entries) this.next = timeAt(key, 0) + 1;',
  },
  {
    name: 'a commit is acknowledged before it is synced',
    file: 'adapters/embedded/commit-log.ts',
    find: 'await this.#file.write(tail.position, buffers);\n      await this.#file.sync();',
    replace: 'await this.#file.write(tail.position, buffers);',
  },
  {
    name: 'a new segment is not synced into its folder',
    file: 'adapters/embedded/begin-segment.ts',
    find: 'await disk.sync();',
    replace: '',
  },
  {
    name: 'a write that failed is taken for done',
    file: 'adapters/embedded/commit-log.ts',
    find: 'throw this.#failure;',
    replace: '',
  },
  {
    name: 'a frame whose batches fail their CRC is accepted',
    file: 'adapters/embedded/scan.ts',
    find: 'const reason = commit && (await this.#bodyFault(commit, bodyPosition));',
    replace: 'const reason = undefined as string | undefined;',
  },
  {
    name: 'a frame whose head fails its CRC is accepted',
    file: 'adapters/embedded/scan.ts',
    find: 'if (front.length < bodyPosition - position || headCrc(front, head.directoryBytes) !== crc)',
    replace: 'if (front.length < bodyPosition - position)',
  },
  {
    name: 'a start builds on what it read without making it durable',
    file: 'adapters/embedded/recovery.ts',
    find: 'await this.#settle(tail);',
    replace: '',
  },
  {
    name: 'a start does not write its last frame again, whose sync may have failed',
    file: 'adapters/embedded/recovery.ts',
    find: 'await file.truncate(tail.position);\n      await this.#rewrite(file, tail);',
    replace: 'await file.truncate(tail.position);',
  },
  {
    name: 'the note of a clean stop is not looked at',
    file: 'adapters/embedded/recovery.ts',
    find: 'if (stop === undefined) return false;',
    replace: 'return false;',
  },
  {
    name: 'a dead letter is dropped',
    file: 'runtime/unit-runner.ts',
    find: 'deadLetter(this.deadLetters, this.unit, error, { manifestHash, attempt, subject });',
    replace: '',
  },
];
