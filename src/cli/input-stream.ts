const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** The lines of a stream as bytes, without their ends; the last one may lack its newline. */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer, void> {
  let open: Buffer[] = [];
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      yield withoutReturn(
        open.length === 0 ? bytes.subarray(start, end) : Buffer.concat([...open, bytes.subarray(start, end)]),
      );
      open = [];
      start = end + 1;
    }
    if (start < bytes.length) open.push(bytes.subarray(start));
  }
  if (open.length > 0) yield withoutReturn(Buffer.concat(open));
}

const withoutReturn = (line: Buffer): Buffer => (line.at(-1) === RETURN ? line.subarray(0, -1) : line);
