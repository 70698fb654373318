import type { SerdeDescription } from '../serdes/serde.ts';

/** A serde in a message's words: `string`, `protobuf insurance.v1.Claim`, `debezium-key (id)`. */
export function serdeName(serde: SerdeDescription): string {
  switch (serde.type) {
    case 'protobuf':
      return `protobuf ${serde.message}`;
    case 'debezium-key':
      return `debezium-key (${serde.fields.join(', ')})`;
    case 'change':
      return `old and new ${serdeName(serde.of)}`;
    case 'subscription':
      return `subscriptions of ${serdeName(serde.key)} → ${serdeName(serde.of)}`;
    case 'joined':
      return `${serdeName(serde.left)} with ${serdeName(serde.right)}`;
    case 'foreign-key':
      return `foreign key ${serdeName(serde.of)}`;
    case 'windowed':
      return `windowed ${serdeName(serde.of)}`;
    case 'windows-key':
      return `${serdeName(serde.of)} with its windows${serde.stretchMs === undefined ? '' : ` of ${serde.stretchMs} ms`}`;
    case 'windows':
      return `windows of ${serdeName(serde.of)}`;
    case 'waiting-key':
      return `${serdeName(serde.of)} of waiting changes`;
    case 'waiting-change':
      return `waiting changes of ${serdeName(serde.of)}`;
    case 'join-key':
      return `${serdeName(serde.of)} in stretches of ${serde.bucketMs} ms, as the join's window has it`;
    case 'join-page':
      return `pages of ${serdeName(serde.of)}`;
    case 'waiting':
      return `waiting ${serdeName(serde.of)}`;
    case 'version-key':
      return `${serdeName(serde.of)} in slices of ${serde.sliceMs} ms, as the table's history has it`;
    case 'versions':
      return `versions of ${serdeName(serde.of)}`;
    case 'aggregate':
      return `aggregate (${serde.fields.map(([name, aggregator]) => `${name}: ${aggregator}`).join(', ')})`;
    case 'custom':
      return `custom ${serde.name}`;
    default:
      return serde.type;
  }
}

/** Whether two serdes write the same bytes, as far as their descriptions tell. */
export function sameSerde(a: SerdeDescription, b: SerdeDescription): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}

/** JSON with each object's keys in order, so that equal data gives equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
