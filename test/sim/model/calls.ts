import type { ProcessorNode } from '../../../src/graph/topology.ts';
import type { Serde } from '../../../src/serdes/serde.ts';
import { State } from './parts.ts';
import type { Event, Modelled, ModelSite } from './parts.ts';

/** Results come when it is told so; it says whether that is in order, and what they are. */
export function mapAsyncModel(node: ProcessorNode, { task, next }: ModelSite): Modelled {
  const held = new State<Event>(task);
  const serde = task.slots(node)['value'] as Serde<unknown>;
  let arrivals = 0;
  return {
    inputs: [event => held.set(String(arrivals++), event)],
    result({ value, isFailed, result }) {
      const all = [...held];
      const at = all.findIndex(([, event]) => event.value === value);
      if (at < 0) throw new Error(`'${node.id}' hands on a result for '${String(value)}', which waits for none`);
      const [number, event] = all[at]!;
      const { order } = node.options;
      const before = all
        .slice(0, at)
        .find(([, one]) => order === 'partition' || (order === 'key' && one.text === event.text));
      if (before !== undefined && order !== 'none' && !(order === 'key' && event.text === null))
        throw new Error(
          `'${node.id}' hands on the result for '${String(value)}' before the one for '${String(before[1].value)}'`,
        );
      const take = () => held.set(number, undefined);
      task.work(
        node.id,
        () => {
          take();
          if (isFailed) throw new Error('the call failed');
          next({ ...event, value: result });
        },
        () => {
          take();
          const { timestamp, headers } = event;
          const key = event.text === null ? null : Buffer.from(event.text, 'latin1');
          return [{ key, value: serde.encode(event.value), timestamp, headers }];
        },
      );
    },
  };
}
