import type { Place } from '../errors.ts';
import { refusal } from './refusal.ts';

/** Milliseconds, or a number with its unit: `'250 ms'`, `'10 s'`, `'5 min'`, `'1 h'`, `'2 d'`. */
export type Duration = number | `${number} ${Unit}`;

type Unit = keyof typeof UNITS;

const UNITS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** In milliseconds, whole and not negative. `what` names the duration, `place` where it stands. @throws TopologyError that says what a duration is */
export function milliseconds(duration: Duration, what: string, place: Place = {}): number {
  const ms = typeof duration === 'number' ? duration : parsed(duration);
  if (ms === undefined || !Number.isSafeInteger(ms) || ms < 0)
    throw refusal(
      'TOPO_GRAPH_INVALID',
      `${what} is ${JSON.stringify(duration)}: it takes milliseconds, or a text such as '250 ms', '10 s', '5 min', '1 h', '2 d'.`,
      place,
    );
  return ms;
}

/** The same where none at all would do nothing. @throws TopologyError also where it is 0 */
export function positiveMilliseconds(duration: Duration, what: string, place: Place = {}): number {
  const ms = milliseconds(duration, what, place);
  if (ms === 0) throw refusal('TOPO_GRAPH_INVALID', `${what} is 0: it takes at least 1 ms.`, place);
  return ms;
}

function parsed(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) (ms|s|min|h|d)$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(amount) * UNITS[unit as Unit];
}
