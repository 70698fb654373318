/** Where something went wrong. Never holds a record's content. */
export interface Place {
  readonly topology?: string;
  readonly step?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  /** A file or folder, as the user named it. */
  readonly path?: string;
}

/** Every error Topo raises on purpose. Its message says what is wrong and what to do; `docs/errors.md` lists the codes. */
export abstract class TopoError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly place: Place = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The author's or operator's mistake: refused before a record is read. */
export class TopologyError extends TopoError {}

/** This unit cannot be processed; `onError` decides what happens. */
export class RecordError extends TopoError {}

/** May work when tried again. */
export class TransientError extends TopoError {}

/** Cannot go on: the run stops and nothing of the open epoch is committed. */
export class FatalError extends TopoError {}

/** Every code there is, by the kind of error that carries it. `docs/errors.md` holds the same list, which a test compares. */
export const ERROR_CODES = {
  // TopologyError: the file, the graph, the start
  TOPO_USAGE: 'a command or option that does not exist, or a value it does not take',
  TOPO_FILE_NOT_FOUND: 'the topology file does not exist',
  TOPO_FILE_FAILED: 'the topology file does not load',
  TOPO_NO_TOPOLOGY: 'the topology file exports no topology',
  TOPO_NAME_INVALID: 'a topology, step or topic name that cannot be used',
  TOPO_NAME_TAKEN: 'two durable steps with one name',
  TOPO_GRAPH_INVALID: 'a graph that cannot run',
  TOPO_SERDE_MISSING: 'a repartition, store or sink without a serde',
  TOPO_SERDE_CONFLICT: 'consumers of one step that need different serdes',
  TOPO_PARTITIONS_DIFFER: 'a join across different partition counts',
  TOPO_TOPIC_UNKNOWN: 'a topic that does not exist',
  TOPO_TOPIC_CONFLICT: 'a topic used in two ways that exclude each other',
  TOPO_TOPIC_CONFIG: 'a topic config that does not exist, or a value it does not take',
  TOPO_MANIFEST_MISMATCH: 'a start that does not fit what the topology stored before',
  TOPO_CLOCK_STILL: 'a test driver that waits for what only its clock can bring',
  TOPO_INPUT_INVALID: 'a line or value given to a command that cannot be used',
  // RecordError: one unit
  TOPO_DECODE: 'bytes that do not decode',
  TOPO_ENCODE: 'a value that does not encode',
  TOPO_USER_FUNCTION: 'a function of the topology threw',
  TOPO_RESULT_UNDEFINED: 'a function of the topology returned, forwarded, stored or emitted undefined',
  TOPO_RECORD_TOO_LARGE: "a record larger than its topic's max.message.bytes",
  TOPO_TIMEOUT: 'a call that took longer than its step allows',
  TOPO_TIMESTAMP_INVALID:
    'a timestamp that is no time, or is missing, or, where a topic extracts it, lies over an hour past its record',
  TOPO_TRUNCATE: 'a truncate event on a table',
  TOPO_DROPPED: 'a record that a step dropped, kept because onDrop says so',
  TOPO_TOO_MANY_DEAD_LETTERS: 'so many records failed that the run stopped',
  TOPO_STOPPED_BY_POLICY: 'a record failed and the error policy says stop',
  // TransientError and FatalError: the world
  TOPO_FOLDER_LOCKED: 'another process runs on the data folder',
  TOPO_FOLDER_UNUSABLE: 'the data folder cannot be created, read or written',
  TOPO_DISK: 'a read or write of the disk failed',
  TOPO_LOG_DAMAGED: 'the log on disk is damaged',
  TOPO_STATE_DAMAGED: 'a store on disk is damaged',
  TOPO_OFFSET_OUT_OF_RANGE: 'a committed offset that its topic no longer has',
  TOPO_FENCED: 'another process took over this task',
  TOPO_COMMIT_FAILED: 'a commit was refused',
  TOPO_PIPE_NOT_COMPLETE: 'operators of a pipe that do not complete when their source has',
  TOPO_CLOSED: 'a call on something that is closed',
  TOPO_PORT_UNUSABLE: 'a port that cannot be listened on',
  TOPO_SHUTDOWN_TIMEOUT: 'the run did not close in time',
  TOPO_INTERNAL: 'a broken invariant: a defect of Topo',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
