/** Text that is no JSON. */
export class NoJson extends Error {}

type Holder = { readonly items: unknown[] } | { readonly properties: Map<string, unknown>; name?: string };

const SPACE = new Set([' ', '\t', '\n', '\r']);
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const LIMIT = 2n ** 53n;
const LITERALS: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];

/**
 * RFC 8259 character by character, integers beyond ±2^53 as bigints, of equal names the last value; objects are Maps. Any depth:
 * what is open lies on a stack of its own. The second opinion on `json()`; what JSON.parse takes and refuses is a third.
 * @throws NoJson
 */
export function referenceParse(text: string): unknown {
  let at = 0;
  const open: Holder[] = [];
  const skipSpace = () => {
    while (SPACE.has(text[at]!)) at++;
  };
  const take = (character: string): boolean => {
    skipSpace();
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const demand = (character: string) => {
    if (!take(character)) throw new NoJson(`no ${character} at ${at}`);
  };
  const readString = (): string => {
    const start = at++;
    for (; text[at] !== '"'; at++) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code) || code < 0x20) throw new NoJson('an open string');
      if (text[at] === '\\') at++;
    }
    at++;
    return unescaped(text.slice(start, at));
  };
  const readName = (holder: Holder) => {
    if (!('properties' in holder)) return;
    skipSpace();
    if (text[at] !== '"') throw new NoJson('a property without a name');
    holder.name = readString();
    demand(':');
  };

  for (;;) {
    skipSpace();
    let value: unknown;
    if (text[at] === '[' || text[at] === '{') {
      const holder: Holder = text[at++] === '[' ? { items: [] } : { properties: new Map() };
      if (!take('items' in holder ? ']' : '}')) {
        readName(holder);
        open.push(holder);
        continue;
      }
      value = contentOf(holder);
    } else if (text[at] === '"') value = readString();
    else {
      const literal = LITERALS.find(([word]) => text.startsWith(word, at));
      if (literal) at += literal[0].length;
      value = literal ? literal[1] : readNumber();
    }
    // what has its last value is one itself
    for (;;) {
      const holder = open.at(-1);
      if (holder === undefined) {
        skipSpace();
        if (at < text.length) throw new NoJson('something behind the value');
        return value;
      }
      if ('items' in holder) holder.items.push(value);
      else holder.properties.set(holder.name!, value);
      if (take(',')) {
        readName(holder);
        break;
      }
      demand('items' in holder ? ']' : '}');
      open.pop();
      value = contentOf(holder);
    }
  }

  function readNumber(): number | bigint {
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    if (found === null) throw new NoJson('no value');
    at += found[0].length;
    if (found[1] !== undefined || found[2] !== undefined) return Number(found[0]);
    const value = BigInt(found[0]);
    return value > LIMIT || value < -LIMIT ? value : Number(found[0]);
  }
}

function unescaped(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new NoJson('an unknown escape');
  }
}

const contentOf = (holder: Holder): unknown => ('items' in holder ? holder.items : holder.properties);
