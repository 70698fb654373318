/** Returns how many lines there are. Both have to be sorted. @throws Error that shows the first lines that differ */
export function expectSameLines(found: readonly string[], expected: readonly string[]): string {
  const at = found.findIndex((line, index) => line !== expected[index]);
  if (at >= 0 || found.length !== expected.length) {
    const place = at >= 0 ? at : found.length;
    throw new Error(
      `Of ${found.length} results, ${expected.length} expected, the first that differs:\n${found[place]}\n${expected[place]}`,
    );
  }
  return `${found.length} results`;
}
