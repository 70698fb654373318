import type { BatchPlace } from './slice.ts';

/** Reading this many bytes for nothing costs less than another read. */
const GAP_BYTES = 32 * 1024;
const WINDOW_BYTES = 1024 * 1024;

/** A stretch of a file that is read at once, and who wants what of it. */
export interface Window<T extends { readonly place: BatchPlace }> {
  readonly file: string;
  readonly start: number;
  end: number;
  /** Bytes of it that somebody wants. */
  used: number;
  readonly wanted: T[];
}

/** Adds what is wanted next, by place, to the last window, if it lies close; otherwise begins another one. */
export function addToWindows<T extends { readonly place: BatchPlace }>(
  windows: Window<T>[],
  wanted: T,
  maxBytes = WINDOW_BYTES,
): void {
  const { file, position, length } = wanted.place;
  const end = position + length;
  const last = windows.at(-1);
  if (last?.file === file && position - last.end <= GAP_BYTES && end - last.start <= maxBytes) {
    last.wanted.push(wanted);
    last.used += end > last.end ? length : 0; // two may want the same batch
    last.end = Math.max(last.end, end);
  } else windows.push({ file, start: position, end, used: length, wanted: [wanted] });
}

/** Groups by place: neighbours in one file with little between them. */
export function windowsOf<T extends { readonly place: BatchPlace }>(wanted: T[]): Window<T>[] {
  wanted.sort(
    (a, b) =>
      (a.place.file === b.place.file ? 0 : a.place.file < b.place.file ? -1 : 1) || a.place.position - b.place.position,
  );
  const windows: Window<T>[] = [];
  for (const each of wanted) addToWindows(windows, each);
  return windows;
}
