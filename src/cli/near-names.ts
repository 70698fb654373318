/** Names that are likely to be meant, the nearest first: contained in one another, or a few edits away. */
export function nearNames(wanted: string, names: Iterable<string>, limit = 3): string[] {
  const folded = wanted.toLowerCase();
  const most = Math.max(2, Math.floor(wanted.length / 3));
  return [...names]
    .map(name => ({ name, distance: distanceOf(folded, name.toLowerCase(), most) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

function distanceOf(a: string, b: string, most: number): number {
  const edits = editDistance(a, b);
  return edits > most && a.length > 2 && (b.includes(a) || a.includes(b)) ? most : edits;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** ` Did you mean a or b?`, or nothing. */
export function didYouMean(near: readonly string[]): string {
  if (near.length === 0) return '';
  const last = near.at(-1)!;
  return ` Did you mean ${near.length === 1 ? last : `${near.slice(0, -1).join(', ')} or ${last}`}?`;
}
