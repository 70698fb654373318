import type { Metric } from 'prom-client';
import type { Definition, Labels } from './definitions.ts';

type HistogramDefinition = Extract<Definition, { type: 'histogram' }>;

interface BucketSample {
  readonly labels: Labels & { readonly le?: number | '+Inf' };
  readonly value: number;
  readonly metricName: string;
}

/**
 * A histogram that somebody else counts: prom-client's own takes observations one by one, and no counts. A registry asks of a
 * metric its name and what `get` gives.
 */
export function keptHistogram(
  { name, help, type }: HistogramDefinition,
  read: () => ReturnType<HistogramDefinition['read']>,
): Metric {
  const get = async () => {
    const values = read().flatMap(([labels, { upperBounds, counts, sum }]): BucketSample[] => {
      let count = 0;
      const buckets = counts.map((inBucket, index): BucketSample => {
        count += inBucket;
        return { labels: { ...labels, le: upperBounds[index] ?? '+Inf' }, value: count, metricName: `${name}_bucket` };
      });
      return [
        ...buckets,
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ];
    });
    return { name, help, type, values };
  };
  return { name, get } as unknown as Metric;
}
