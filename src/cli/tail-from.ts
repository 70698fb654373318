import { InvalidArgumentError } from 'commander';
import { TopologyError } from '../errors.ts';
import type { BrokerReader } from '../runtime/ports.ts';
import type { Stretch } from './topic-scan.ts';

/** Where `topo tail --from` begins: at the start, at a time (ms since 1970), or at an offset. */
export type From = 'earliest' | { readonly timeMs: number } | { readonly offset: number };

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;

/** `earliest`, an offset, or an ISO time: UTC where it names no zone, as `topo tail` prints times. */
export function from(text: string): From {
  if (text === 'earliest') return 'earliest';
  if (/^\d{1,16}$/.test(text)) return { offset: Number(text) };
  const [, date, time = '00:00', zone = 'Z'] = ISO.exec(text) ?? [];
  const timeMs = date === undefined ? NaN : Date.parse(`${date}T${time}${zone}`);
  if (Number.isNaN(timeMs))
    throw new InvalidArgumentError(
      'It takes earliest, a time such as 2026-03-04T05:06:07Z, or, with --partition, an offset.',
    );
  return { timeMs };
}

/** The stretches from there on. @throws TopologyError `TOPO_INPUT_INVALID` for an offset that a partition does not have */
export async function stretchesFrom(
  view: BrokerReader,
  stretches: readonly Stretch[],
  place: From,
): Promise<Stretch[]> {
  if (place === 'earliest') return [...stretches];
  if ('timeMs' in place) {
    const offsets = await view.offsetsAt(stretches, place.timeMs);
    return stretches.map((stretch, i) => ({ ...stretch, from: Math.min(offsets[i]!, stretch.to) }));
  }
  return stretches.map(stretch => {
    const { topic, partition, from: start, to: end } = stretch;
    if (place.offset < start || place.offset > end)
      throw new TopologyError(
        'TOPO_INPUT_INVALID',
        `${topic}-${partition} has no offset ${place.offset}: it begins at ${start} and ends before ${end}.`,
        { topic, partition, offset: place.offset },
      );
    return { ...stretch, from: place.offset };
  });
}
