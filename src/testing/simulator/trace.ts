const LINES_KEPT = 400;

/** What happened in a simulation, line by line: the last lines, and a number that all of them lead to. */
export class Trace {
  count = 0;
  #hash = 0x811c9dc5;
  #lines: string[] = [];

  add(line: string): void {
    this.count++;
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193);
    this.#lines.push(line);
    if (this.#lines.length >= 2 * LINES_KEPT) this.#lines = this.#lines.slice(-LINES_KEPT);
  }

  /** Of all lines so far: equal for equal runs. */
  get digest(): string {
    return `${this.count}-${(this.#hash >>> 0).toString(16)}`;
  }

  last(count: number): string[] {
    return this.#lines.slice(-count);
  }
}
