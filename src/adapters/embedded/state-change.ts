/** A topic as the log stores it. Its number names it in frames and is never used again. */
export interface StoredTopic {
  readonly number: number;
  readonly name: string;
  readonly id: string;
  readonly config: Readonly<Record<string, string>>;
}

/** The place of a partition: its topic's number, and its own. */
export type PartitionPlace = readonly [topic: number, partition: number];

/** A sealed segment, and how often it was written anew. */
export type SealedSegment = readonly [segment: number, generation: number];

/** What a compacted partition has in files of its own: all that is left of it below `through`. */
export interface Compacted {
  /** In order of their offsets, which end before `end`. */
  readonly files: readonly (readonly [file: number, end: number])[];
  readonly through: number;
  /** Tombstones below `before` have been there without the records that they deleted since `sinceMs`, or longer. */
  readonly tombstones: { readonly before: number; readonly sinceMs: number };
}

/** The directory of a `change` frame: what happens to the log apart from commits. All of it together, or nothing. */
export interface StateChange {
  readonly create?: readonly (StoredTopic & { readonly partitions: number })[];
  readonly delete?: readonly number[];
  readonly configure?: readonly { readonly topic: number; readonly config: Readonly<Record<string, string>> }[];
  /** First offsets that are kept. */
  readonly starts?: readonly (readonly [...PartitionPlace, start: number])[];
  readonly compacted?: readonly (readonly [...PartitionPlace, Compacted])[];
  /** Sealed segments whose content is in one file now, called as the first of them; without a generation: they held nothing any more. */
  readonly rewritten?: { readonly segments: readonly number[]; readonly generation?: number };
}
