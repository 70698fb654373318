import { TopologyError } from '../errors.ts';
import { sameSerde, serdeName } from '../graph/serde-name.ts';
import type { Serde } from '../serdes/serde.ts';
import { refusal } from './refusal.ts';

type AnySerde = Serde<unknown>;

/**
 * The keys that a stream or table carries, and how they are written. Equal keys must be equal bytes wherever records of two
 * streams meet, or they lie in different partitions; so a join makes the keys of both its sides one (union-find), and a serde
 * known on one side is known on both.
 */
export class StreamKey {
  #link: StreamKey | null = null;
  #parts: readonly StreamKey[];
  #serde: AnySerde | undefined;
  /** Who brought the serde: a topic or a step. */
  #from: string;
  /** The key steps that it is the key of. */
  #steps: string[];
  #derivation: { readonly from: StreamKey; readonly serdeOf: (serde: AnySerde) => AnySerde } | null = null;
  /** The first step that needs the serde. */
  #needer: string | null = null;

  constructor(from: string, serde?: AnySerde, options: { step?: string; parts?: readonly StreamKey[] } = {}) {
    this.#from = from;
    this.#serde = serde;
    this.#steps = options.step === undefined ? [] : [options.step];
    this.#parts = options.parts ?? [];
  }

  /** A key that is made of another one: its serde is known when that one's is. */
  static derived(from: StreamKey, what: string, serdeOf: (serde: AnySerde) => AnySerde): StreamKey {
    const key = new StreamKey(what);
    key.#derivation = { from, serdeOf };
    return key;
  }

  get serde(): AnySerde | undefined {
    const root = this.#root();
    if (root.#serde === undefined && root.#derivation !== null) {
      const { from, serdeOf } = root.#derivation;
      const { serde } = from;
      if (serde !== undefined) root.#serde = serdeOf(serde);
    }
    return root.#serde;
  }

  /** For messages, where the serde is known: `string (from topic policies)`. */
  get written(): string {
    const root = this.#root();
    return `${serdeName(root.serde!.description)} (from ${root.#from})`;
  }

  /** `step` keeps or compares keys: their serde must be known in the end, and one for all that were merged. */
  need(step: string, topology: string): void {
    const root = this.#root();
    root.#needer ??= step;
    const parts = root.#parts;
    root.#parts = [];
    for (const part of parts) {
      this.#root().unite(part, step, topology);
      part.need(step, topology);
    }
  }

  /** @throws TopologyError `TOPO_SERDE_CONFLICT` */
  unite(other: StreamKey, step: string, topology: string): void {
    const a = this.#root();
    const b = other.#root();
    if (a === b) return;
    const [ofA, ofB] = [a.serde, b.serde];
    if (ofA && ofB && !sameSerde(ofA.description, ofB.description))
      throw refusal('TOPO_SERDE_CONFLICT', a.#conflict(b, step), { topology, step });
    if (!ofA && ofB) {
      a.#serde = ofB;
      a.#from = b.#from;
    }
    a.#derivation ??= b.#derivation;
    a.#steps.push(...b.#steps);
    a.#parts = [...a.#parts, ...b.#parts];
    a.#needer ??= b.#needer;
    b.#link = a;
  }

  /** @throws TopologyError `TOPO_SERDE_MISSING` */
  check(topology: string): void {
    const { serde } = this;
    const root = this.#root();
    if (serde !== undefined || root.#needer === null) return;
    const [step] = root.#steps;
    throw new TopologyError(
      'TOPO_SERDE_MISSING',
      `step '${root.#needer}' needs the keys of '${step ?? root.#from}' as bytes, and nothing says how they are written. ` +
        `Give the serde as third argument of '${step ?? root.#from}', such as string().`,
      { topology, step: step ?? root.#needer },
    );
  }

  #root(): StreamKey {
    return this.#link === null ? this : this.#link.#root();
  }

  #conflict(other: StreamKey, step: string): string {
    const [keyStep] = this.#steps;
    return (
      `step '${step}' brings together keys written as ${this.written} and as ${other.written}: equal keys would lie ` +
      `in different partitions. ` +
      (keyStep === undefined
        ? `Put a keyBy in front of '${step}': it writes the keys as the other side does.`
        : `'${keyStep}' can write its keys in one way only: put a second keyBy in front of '${step}'.`)
    );
  }
}
