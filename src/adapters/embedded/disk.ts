/**
 * The disk as the log sees it: one flat folder of files. Everything the log makes durable goes through this port, so that a
 * simulated disk can lose what was not synced, cut writes short and fill up.
 *
 * Every method rejects with a FatalError: `TOPO_DISK` or, when the folder itself cannot be used, `TOPO_FOLDER_UNUSABLE`.
 */
export interface Disk {
  /** How an error names a file to its reader. */
  pathOf(name: string): string;
  /** The names of all files; none when the folder does not exist. */
  list(): Promise<string[]>;
  /** `create` makes the folder and an empty file, also where a file was. `write` and `read` expect the file. */
  open(name: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile>;
  remove(name: string): Promise<void>;
  /** Makes it durable which files there are. */
  sync(): Promise<void>;
  /**
   * Takes the folder for this process until the returned function is called or the process ends, however it ends.
   * `holder` is what a second process is told about this one.
   * @throws FatalError `TOPO_FOLDER_LOCKED`, with the holder's words.
   */
  lock(holder: string): Promise<() => Promise<void>>;
}

export interface DiskFile {
  size(): Promise<number>;
  /** Fills the buffer from `position` on. Returns what was filled of it: less at the file's end. */
  read(position: number, into: Buffer): Promise<Buffer>;
  /** Writes all of it or rejects; durable only after `sync`. The buffers must not change until then. */
  write(position: number, buffers: readonly Uint8Array[]): Promise<void>;
  /** Makes content and size durable. After a failure nobody knows what is: it is never tried again. */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}
