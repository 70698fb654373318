/** Milliseconds, or a number with its unit: `'250 ms'`, `'10 s'`, `'5 min'`, `'1 h'`, `'2 d'`. */
export type Duration = number | `${number} ${Unit}`;

type Unit = keyof typeof UNITS;

const UNITS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** In milliseconds, whole and not negative. @throws RangeError that says what a duration is; `what` names this one */
export function milliseconds(duration: Duration, what: string): number {
  const ms = typeof duration === 'number' ? duration : parsed(duration);
  if (ms === undefined || !Number.isSafeInteger(ms) || ms < 0)
    throw new RangeError(
      `${what} is ${JSON.stringify(duration)}: it takes milliseconds, or a text such as '250 ms', '10 s', '5 min', '1 h', '2 d'.`,
    );
  return ms;
}

function parsed(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) (ms|s|min|h|d)$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(amount) * UNITS[unit as Unit];
}
