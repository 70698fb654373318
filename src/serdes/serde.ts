/**
 * How keys or values of one type become bytes and back. Implement it for a format of your own.
 *
 * `encode` throws on a value that is not a `T`, `decode` on bytes that are none; the runtime turns both into dead letters.
 * Neither may keep the bytes or value it was given: the runtime reuses its buffers.
 */
export interface Serde<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
  /** What the manifest remembers of it, so that a start with another format is refused. */
  readonly description: SerdeDescription;
  /**
   * For keys: how many bytes at the end of an encoded key do not decide its partition. A windowed key lies where its key lies,
   * so that all windows of a key keep their order. Default 0.
   */
  readonly unpartitionedBytes?: number;
}

/** A serde as plain data. `type` names the format; a serde of the user's own has a `type` of its own choice. */
export type SerdeDescription =
  | { readonly type: 'bytes' }
  | { readonly type: 'string' }
  | { readonly type: 'json' }
  /** `descriptor`: a FileDescriptorSet of the message's file and its imports, base64. */
  | { readonly type: 'protobuf'; readonly message: string; readonly descriptor: string }
  /** A change event of Debezium's JsonConverter without schemas. */
  | { readonly type: 'debezium' }
  /** A key of Debezium's JsonConverter: `{"id":"C-1"}`, its fields in the primary key's order. */
  | { readonly type: 'debezium-key'; readonly fields: readonly string[] }
  /** An old and a new value, as the repartition of a table's changes carries them. */
  | { readonly type: 'change'; readonly of: SerdeDescription }
  /** The state of composed aggregators, or their results, one entry a field in this order. */
  | { readonly type: 'aggregate'; readonly fields: readonly (readonly [name: string, aggregator: string])[] }
  /** A key with the start and end of its window. */
  | { readonly type: 'windowed'; readonly of: SerdeDescription }
  /** The key of windows kept in one value: behind the key a mark or, of sliding windows, the stretch of time in which they start. */
  | { readonly type: 'windows-key'; readonly of: SerdeDescription; readonly stretchMs?: number }
  /** Windows of one key, with their states. */
  | { readonly type: 'windows'; readonly of: SerdeDescription }
  /** The key of a change that waits, behind a mark; and one for how many wait. */
  | { readonly type: 'waiting-key'; readonly of: SerdeDescription }
  /** A table's change that waits: the row as it was when the wait began, and as it is now. */
  | { readonly type: 'waiting-change'; readonly of: SerdeDescription }
  /** In a foreign-key join: a left row's key and value, on their way to the foreign key and kept there. */
  | { readonly type: 'subscription'; readonly key: SerdeDescription; readonly of: SerdeDescription }
  /** In a foreign-key join: a left value with the right one, on their way back and kept there. */
  | { readonly type: 'joined'; readonly left: SerdeDescription; readonly right: SerdeDescription }
  /** In a foreign-key join: the foreign key of each left row. */
  | { readonly type: 'foreign-key'; readonly of: SerdeDescription }
  /** A key of a join's waiting records: behind the key, the start of a stretch of time and a page number. */
  | { readonly type: 'join-key'; readonly of: SerdeDescription; readonly bucketMs: number }
  /** Waiting records of a join, several in one value. */
  | { readonly type: 'join-page'; readonly of: SerdeDescription }
  /** A record that waits: with its key and headers. */
  | { readonly type: 'waiting'; readonly of: SerdeDescription }
  /** A key with a slice of time, in which versions of its row lie. */
  | { readonly type: 'version-key'; readonly of: SerdeDescription; readonly sliceMs: number }
  /** Versions of a row, with their times. */
  | { readonly type: 'versions'; readonly of: SerdeDescription }
  | { readonly type: 'custom'; readonly name: string };
