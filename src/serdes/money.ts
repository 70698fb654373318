import { RecordError } from '../errors.ts';
import { bigintOf } from './digits.ts';

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d{1,2}))?$/;

/**
 * The cents of a decimal amount: `cents('472.10')` is `47210n`. Exact, since money is never a float.
 * @throws RecordError `TOPO_DECODE` on anything but digits with at most two decimals
 */
export function cents(amount: string): bigint {
  const match = typeof amount === 'string' ? DECIMAL.exec(amount) : null;
  if (match === null) throw new RecordError('TOPO_DECODE', 'expected a decimal amount with at most two decimals');
  const [, sign, whole, fraction = ''] = match;
  const absolute = bigintOf(whole! + fraction.padEnd(2, '0'));
  return sign === '-' ? -absolute : absolute;
}
