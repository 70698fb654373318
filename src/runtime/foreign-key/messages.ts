import type { Subscription } from '../../serdes/foreign-key.ts';

/** What a change of a left row comes to. */
export interface Reference extends Subscription {
  /** Whom to tell, as the right table's keys are written. Null: the row refers to nothing now, and nobody is asked. */
  readonly foreignKey: Uint8Array | null;
}
