import { TopologyError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { TOPOLOGY } from '../graph/brand.ts';
import type { ErrorPolicy } from '../graph/error-policy.ts';
import { checkStepName, checkTopologyName } from '../graph/names.ts';
import type { Node, Slots, Topology } from '../graph/topology.ts';
import { validate } from '../graph/validate.ts';
import type { Serde } from '../serdes/serde.ts';
import { callSite } from './call-site.ts';
import type { Builders } from './flow.ts';
import { errorPolicy } from './on-error.ts';
import { refusal } from './refusal.ts';
import type { StreamKey } from './stream-key.ts';

export interface StepSpec {
  /** The user's name for a durable step; the first part of a numbered id for the others. */
  readonly name: string;
  readonly durable: boolean;
  /** How messages call it: `a keyBy`. */
  readonly what: string;
  /** Names it takes besides its own: of further stores. */
  readonly alsoNames?: readonly string[];
  readonly inputs: readonly Step[];
  /** The rest of the node. Called when the topology is finished, since key serdes may be known only then. */
  readonly node: (common: Pick<Node, 'id' | 'inputs' | 'partOf'>) => Node;
  readonly slots?: () => Slots;
  /** What the user gave as `onError`. */
  readonly onError?: unknown;
}

/** A node in the making: it has no id before the topology is finished. */
export class Step {
  id = '';
  /** How its values are written, where `.as` directly behind it says so. */
  declared: Serde<unknown> | undefined;
  readonly spec: StepSpec;
  readonly site: string;
  readonly partOf: string | undefined;
  onError: ErrorPolicy | undefined;

  constructor(spec: StepSpec, { site, partOf, onError }: Pick<Step, 'site' | 'partOf' | 'onError'>) {
    this.spec = spec;
    this.site = site;
    this.partOf = partOf;
    this.onError = onError;
  }

  /** For messages: the id, or what it will start with. */
  get label(): string {
    return this.id || this.spec.name;
  }
}

/** The topology that a `topology(…)` call is writing. */
export class Draft {
  readonly name: string;
  readonly build: Builders;
  /** Of all steps that say nothing. */
  readonly onError: ErrorPolicy | undefined;
  readonly #steps: Step[] = [];
  readonly #durable = new Map<string, Step>();
  readonly #keys: StreamKey[] = [];
  #finished = false;
  #whole: string | undefined;

  constructor(name: string, build: Builders, onError: unknown) {
    checkTopologyName(name);
    this.name = name;
    this.build = build;
    this.onError = onError === undefined ? undefined : errorPolicy(`topology '${name}'`, onError, { topology: name });
  }

  add(spec: StepSpec): Step {
    if (this.#finished)
      throw this.error(
        'TOPO_GRAPH_INVALID',
        `${spec.what} '${spec.name}' comes after topology '${this.name}' was built.`,
      );
    const { name, onError } = spec;
    const place = { topology: this.name, step: name };
    const step = new Step(spec, {
      site: callSite(),
      partOf: this.#whole,
      onError: onError === undefined ? undefined : errorPolicy(`'${name}'`, onError, place),
    });
    if (spec.durable) for (const name of [spec.name, ...(spec.alsoNames ?? [])]) this.#takeName(name, step);
    this.#steps.push(step);
    return step;
  }

  /** The steps that `declare` adds are parts of the step of this name. */
  parts<T>(whole: string, declare: () => T): T {
    this.#whole = whole;
    try {
      return declare();
    } finally {
      this.#whole = undefined;
    }
  }

  /** Keys whose serde must be known in the end. */
  watch(key: StreamKey): void {
    this.#keys.push(key);
  }

  /** What the file does wrong where it calls the library now. */
  error(code: ErrorCode, message: string, step?: string): TopologyError {
    return refusal(code, message, { topology: this.name, ...(step !== undefined && { step }) });
  }

  /** @throws TopologyError where the graph cannot run, with the place of the step that cannot */
  finish(): Topology {
    try {
      return this.#finish();
    } catch (error) {
      if (!(error instanceof TopologyError)) throw error;
      const step = this.#steps.find(({ label }) => label === error.place.step);
      throw refusal(error.code, error.message, error.place, step?.site);
    }
  }

  #finish(): Topology {
    this.#finished = true;
    for (const key of this.#keys) key.check(this.name);
    this.#nameSteps();
    const functions: [id: string, slots: Slots][] = [];
    const nodes = this.#steps.map(step => {
      const { id, partOf, onError } = step;
      const { node, inputs, slots } = step.spec;
      if (slots || onError !== undefined)
        functions.push([id, Object.freeze({ ...slots?.(), ...(onError !== undefined && { onError }) })]);
      const common = { id, inputs: inputs.map(input => input.id), ...(partOf !== undefined && { partOf }) };
      return deepFreeze(node(common));
    });
    const topology: Topology = {
      name: this.name,
      nodes: Object.freeze(nodes),
      functions: Object.freeze(Object.fromEntries(functions)),
      ...(this.onError !== undefined && { onError: this.onError }),
    };
    validate(topology);
    return Object.freeze(Object.assign(topology, { [TOPOLOGY]: true }));
  }

  #takeName(name: string, step: Step): void {
    checkStepName(this.name, name);
    const holder = this.#durable.get(name);
    if (holder !== undefined)
      throw this.error(
        'TOPO_NAME_TAKEN',
        `'${name}' names both ${place(holder)} and ${place(step)}. Topics and stores are named after steps: give one of them ` +
          `another name.`,
        name,
      );
    this.#durable.set(name, step);
  }

  /** Names that users gave come first, then topics, then the numbered rest, so that no unnamed step takes a durable name. */
  #nameSteps(): void {
    const taken = new Set<string>(this.#durable.keys());
    for (const step of this.#durable.values()) step.id = step.spec.name;
    const rest = this.#steps.filter(step => !step.spec.durable);
    const isTopic = (step: Step) => step.spec.what === 'a source' || step.spec.what === 'a sink';
    for (const step of [...rest.filter(isTopic), ...rest.filter(step => !isTopic(step))]) {
      const { name } = step.spec;
      let id = name;
      for (let n = 2; taken.has(id); n++) id = `${name}-${n}`;
      taken.add(id);
      step.id = id;
    }
  }
}

const place = (step: Step): string => (step.site ? `${step.spec.what} (${step.site})` : step.spec.what);

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  return Object.freeze(value);
}
