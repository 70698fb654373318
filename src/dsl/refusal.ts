import { TopologyError } from '../errors.ts';
import type { ErrorCode, Place } from '../errors.ts';
import { callSite } from './call-site.ts';

/** What the author wrote wrong, and where in the topology file: `… (topologies/claims.ts:12)`. */
export function refusal(code: ErrorCode, message: string, place: Place = {}, site = callSite()): TopologyError {
  const isNamed = site === '' || message.includes(site);
  return new TopologyError(code, isNamed ? message : `${message} (${site})`, place);
}
