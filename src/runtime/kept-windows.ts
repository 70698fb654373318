import { RecordError } from '../errors.ts';

/** One of the windows that a store keeps in one value. */
export interface KeptWindow<State = Uint8Array> {
  /** ms since 1970 */
  readonly start: number;
  /** When its last record was, ms since 1970: where a session ends. */
  readonly last: number;
  /** It was handed on for good; only the windows beside it still need it. */
  readonly isClosed: boolean;
  readonly state: State;
}

const FORMAT = 1;
/** What stands in front of each window: start, last, whether it is closed, the state's length. */
export const FRAME_BYTES = 8 + 8 + 1 + 4;

/** A format byte; then each window's frame and state, in the order of their starts. Null: none is left. */
export function encodeWindows(windows: readonly KeptWindow[]): Uint8Array | null {
  if (windows.length === 0) return null;
  let size = 1;
  for (const { state } of windows) size += FRAME_BYTES + state.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = FORMAT;
  let at = 1;
  for (const { start, last, isClosed, state } of windows) {
    bytes.writeDoubleBE(start, at);
    bytes.writeDoubleBE(last, at + 8);
    bytes[at + 16] = isClosed ? 1 : 0;
    bytes.writeUInt32BE(state.length, at + 17);
    bytes.set(state, at + FRAME_BYTES);
    at += FRAME_BYTES + state.length;
  }
  return bytes;
}

/** The states are views into `bytes`. @throws RecordError `TOPO_DECODE` */
export function decodeWindows(bytes: Uint8Array | null): KeptWindow[] {
  if (bytes === null) return [];
  const windows: KeptWindow[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = bytes[0] === FORMAT ? 1 : Infinity;
  while (at + FRAME_BYTES <= bytes.length) {
    const state = at + FRAME_BYTES;
    const end = state + view.getUint32(at + 17);
    windows.push({
      start: view.getFloat64(at),
      last: view.getFloat64(at + 8),
      isClosed: bytes[at + 16] === 1,
      state: bytes.subarray(state, end),
    });
    at = end;
  }
  if (at !== bytes.length) throw new RecordError('TOPO_DECODE', 'the store holds windows that do not decode');
  return windows;
}
