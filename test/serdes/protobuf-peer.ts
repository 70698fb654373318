import Long from 'long';
import protobufjs from 'protobufjs';

// Under vitest's conditions protobufjs does not find it by itself, and would round integers of 64 bits.
protobufjs.util.Long = Long;
protobufjs.configure();

/** protobufjs's reflection on the same `.proto` files, as a second opinion. */
const root = new protobufjs.Root();
root.resolvePath = (_, target) =>
  target.startsWith('google/') ? target : new URL(`../fixtures/proto/${target}`, import.meta.url).pathname;
root.loadSync(['kinds/v1/kinds.proto', 'trees/v1/tree.proto'], { keepCase: false });

/** `kinds.v1.Kinds` */
export const peerType = (name: string): protobufjs.Type => root.lookupType(name);

/** What the peer reads, as plain data that can be compared. */
export function asRead(type: protobufjs.Type, bytes: Uint8Array): unknown {
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, enums: Number, defaults: true });
}
