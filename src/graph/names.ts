import { TopologyError } from '../errors.ts';
import type { Place } from '../errors.ts';

/** Kafka's limit for a topic's name. */
const MAX_TOPIC_LENGTH = 249;
const LEGAL = /^[a-zA-Z0-9._-]+$/;

/** What a step may own, by the longest ending of a topic derived from its name. */
const LONGEST_STEP_SUFFIX = '-repartition';

/** What a store is called where it is kept: a renamed one keeps its first name there, and with it its state. */
export const keptName = ({ name, renamedFrom }: { readonly name: string; readonly renamedFrom?: string }): string =>
  renamedFrom ?? name;

export const changelogTopic = (
  topology: string,
  store: { readonly name: string; readonly renamedFrom?: string },
): string => `${topology}-${keptName(store)}-changelog`;

export const repartitionTopic = (topology: string, step: string): string => `${topology}-${step}-repartition`;

export const deadLettersTopic = (topology: string): string => `${topology}.dead-letters`;

/** Where the manifest is kept in the broker. */
export const manifestTopic = (topology: string): string => `${topology}-manifest`;

/** A topic's name follows Kafka's rules. @throws TopologyError `TOPO_NAME_INVALID` */
export function checkTopicName(name: string, place: Place): void {
  check(`topic name '${name}'`, name, MAX_TOPIC_LENGTH, place);
}

/** A topology's name is its consumer group and the front of its topics' names. @throws TopologyError `TOPO_NAME_INVALID` */
export function checkTopologyName(name: string): void {
  check(`topology name '${name}'`, name, MAX_TOPIC_LENGTH - deadLettersTopic('').length, { topology: name });
}

/** A durable step's name is part of the names of its topics. @throws TopologyError `TOPO_NAME_INVALID` */
export function checkStepName(topology: string, name: string): void {
  const longest = MAX_TOPIC_LENGTH - topology.length - LONGEST_STEP_SUFFIX.length - 1;
  check(`step name '${name}'`, name, longest, { topology, step: name });
}

function check(what: string, name: string, maxLength: number, place: Place): void {
  const problem = problemOf(name, maxLength);
  if (problem !== null) throw new TopologyError('TOPO_NAME_INVALID', `${what} ${problem}.`, place);
}

function problemOf(name: string, maxLength: number): string | null {
  if (typeof name !== 'string' || name === '') return 'is empty: a name is needed, since topics are named after it';
  if (name === '.' || name === '..') return 'cannot be used: choose a name with a letter or digit in it';
  if (!LEGAL.test(name)) return 'may hold only the letters a-z and A-Z, digits, dot, underscore and hyphen';
  if (name.length > maxLength)
    return `is ${name.length} characters long: at most ${maxLength} fit, since a topic's name has at most ${MAX_TOPIC_LENGTH}`;
  return null;
}
