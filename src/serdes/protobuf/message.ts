declare const type: unique symbol;

/** A Protobuf message type, as `protoc-gen-topo` generates it beside the interface of the same name. */
export interface MessageType<T> {
  /** `insurance.v1.Claim` */
  readonly name: string;
  /** A FileDescriptorSet of its file and all imports, base64. */
  readonly descriptor: string;
  /** Never there: holds `T`, in both directions, so that a Claim is no Policy. */
  readonly [type]?: (value: T) => T;
}

/** For generated code. */
export function message<T>(name: string, descriptor: string): MessageType<T> {
  return { name, descriptor };
}
