import type { SerdeDescription } from '../serdes/serde.ts';
import { protobufProblem } from './protobuf-fit.ts';
import { sameSerde, serdeName } from './serde-name.ts';

/** Why bytes written with `stored` cannot be read with `current`; null where they can. */
export function serdeProblem(stored: SerdeDescription, current: SerdeDescription): string | null {
  if (stored.type === 'protobuf' && current.type === 'protobuf') {
    const problem = protobufProblem(stored, current);
    return problem === null ? null : `${current.message}: ${problem}`;
  }
  if (stored.type === 'windowed' && current.type === 'windowed') return serdeProblem(stored.of, current.of);
  if (stored.type === 'change' && current.type === 'change') return serdeProblem(stored.of, current.of);
  if (stored.type === 'foreign-key' && current.type === 'foreign-key') return serdeProblem(stored.of, current.of);
  if (stored.type === 'subscription' && current.type === 'subscription')
    return serdeProblem(stored.key, current.key) ?? serdeProblem(stored.of, current.of);
  if (stored.type === 'joined' && current.type === 'joined')
    return serdeProblem(stored.left, current.left) ?? serdeProblem(stored.right, current.right);
  if (stored.type === 'join-page' && current.type === 'join-page') return serdeProblem(stored.of, current.of);
  if (stored.type === 'windows' && current.type === 'windows') return serdeProblem(stored.of, current.of);
  if (stored.type === 'waiting-change' && current.type === 'waiting-change') return serdeProblem(stored.of, current.of);
  if (stored.type === 'waiting' && current.type === 'waiting') return serdeProblem(stored.of, current.of);
  if (stored.type === 'versions' && current.type === 'versions') return serdeProblem(stored.of, current.of);
  return sameSerde(stored, current) ? null : `were ${serdeName(stored)} and are ${serdeName(current)}`;
}
