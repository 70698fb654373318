import type { TaskInput } from './input.ts';

/**
 * Rule G2: the record with the smallest timestamp among the heads, tables before streams, then by declaration; and only when
 * every other input has a record buffered or was read to its end. Inputs stand in rank order, so the first smallest wins.
 */
export function pick(inputs: readonly TaskInput[]): TaskInput | undefined {
  if (inputs.length === 1) return inputs[0]!.hasHead ? inputs[0] : undefined;
  let best: TaskInput | undefined;
  for (const input of readFirst(inputs) ?? inputs) {
    if (!input.hasHead) {
      if (!input.isAtEnd) return undefined;
    } else if (best === undefined || input.headTimestamp < best.headTimestamp) best = input;
  }
  return best;
}

/** The tables still to be read before anything else. */
function readFirst(inputs: readonly TaskInput[]): TaskInput[] | undefined {
  for (const input of inputs) if (input.isBehindUntil) return inputs.filter(one => one.isBehindUntil);
  return undefined;
}
