import { FatalError } from '../errors.ts';
import type { Place } from '../errors.ts';

/** What shows that the log has lost records; `what` is a sentence. */
export const lost = (what: string, place: Place): FatalError =>
  new FatalError(
    'TOPO_LOG_DAMAGED',
    `${what} Bring the log back from a copy; without one, \`topo run --accept-loss\` goes on with what is left.`,
    place,
  );
