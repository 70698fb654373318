/** Something that will happen to `subject` (a policy's or claim's number, a year). */
export interface Planned<Kind extends string> {
  readonly atUs: number;
  readonly kind: Kind;
  readonly subject: number;
}

interface Entry<Kind extends string> extends Planned<Kind> {
  readonly order: number;
}

/** A binary heap by time; what was planned first comes first within the same microsecond. */
export class EventQueue<Kind extends string> {
  readonly #heap: Entry<Kind>[] = [];
  #planned = 0;

  add(atUs: number, kind: Kind, subject: number): void {
    const heap = this.#heap;
    const entry = { atUs, kind, subject, order: this.#planned++ };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** The first of what happens before `untilUs`. */
  take(untilUs: number): Planned<Kind> | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atUs >= untilUs) return undefined;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Entry<string>, b: Entry<string>): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
