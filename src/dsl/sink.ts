import { TopologyError } from '../errors.ts';
import { serdeName } from '../graph/serde-name.ts';
import type { TopicReference } from '../graph/topology.ts';
import type { SerdeDescription } from '../serdes/serde.ts';
import { checkOptions, isTopic, placeOf, unfitting } from './arguments.ts';
import type { Flow } from './flow.ts';
import type { AnyErrorOptions } from './on-error.ts';
import type { Sink } from './topic.ts';

export function sinkStep(flow: Flow, sink: Sink<never, never>, options: AnyErrorOptions | undefined): void {
  if (!isTopic(sink)) throw unfitting(flow, 'to', `a topic, as in to(topic('a-name', string(), json()))`, sink);
  const { reference, slot } = sink;
  checkOptions(`to topic '${reference.name}'`, options, ['onError'], placeOf(flow, reference.name));
  flow.draft.add({
    name: reference.name,
    durable: false,
    what: 'a sink',
    inputs: [flow.step],
    node: common => {
      checkKeys(flow, reference, common.id);
      return { ...common, kind: 'sink', topic: reference };
    },
    slots: () => ({ topic: slot }),
    onError: options?.onError,
  });
}

/** Formats that write no windowed key. */
const PLAIN: ReadonlySet<SerdeDescription['type']> = new Set(['string', 'bytes', 'protobuf', 'debezium-key']);

/** For callers without types: no record could be written. */
function checkKeys(flow: Flow, { name, key }: TopicReference, step: string): void {
  const written = flow.key.serde?.description;
  if (written === undefined) return;
  const differs = [written, key].some(
    ({ type }, index, both) => type === 'windowed' && PLAIN.has(both[1 - index]!.type),
  );
  if (!differs) return;
  throw new TopologyError(
    'TOPO_SERDE_CONFLICT',
    `topic ${name} has keys written as ${serdeName(key)}, and is to be given records whose keys are ${flow.key.written}. ` +
      (key.type === 'windowed'
        ? 'Declare its keys as those of the records.'
        : `Declare its keys with windowed(…), or leave the window out: .toStream().keyBy('a-name', (row, { key }) => key.key).`),
    placeOf(flow, step),
  );
}
