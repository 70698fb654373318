/**
 * Draws places below `count` by Zipf's law with exponent 1: the second comes half as often as the first, the third a third as
 * often. `unit` draws from [0, 1).
 */
export function zipf(count: number, unit: () => number): () => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let place = 0; place < count; place++) sums[place] = sum += 1 / (place + 1);
  return () => firstAbove(sums, unit() * sum);
}

/** The place of the first of these rising numbers that is greater than `value`; the last one has to be. */
function firstAbove(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
