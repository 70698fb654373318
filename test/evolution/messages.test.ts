import { afterAll, describe, expect, test } from 'vitest';
import { breaking, Versions } from './versions.ts';

interface Party {
  readonly name: string;
  readonly city?: string;
}

interface OldClaim {
  readonly id: string;
  readonly paidCents: bigint;
  readonly note: string;
  readonly status: 'UNSPECIFIED' | 'OPEN' | number;
  readonly holder?: Party;
  readonly parties: readonly Party[];
  readonly payment?: { readonly case: 'iban'; readonly value: string };
}

interface NewClaim {
  readonly id: string;
  readonly settledCents: bigint;
  readonly status: 'UNSPECIFIED' | 'OPEN' | 'DISPUTED' | number;
  readonly holder?: Party;
  readonly parties: readonly Party[];
  readonly payment?:
    { readonly case: 'iban'; readonly value: string } | { readonly case: 'cash'; readonly value: { readonly cents: bigint } };
  readonly tags: readonly string[];
  readonly byCover: Readonly<Record<string, bigint>>;
  readonly rank?: number;
} // prettier-ignore

const versions = new Versions();
afterAll(() => versions[Symbol.dispose]());

const old = versions.compile<OldClaim>(`
message Claim {
  string id = 1;
  int64 paid_cents = 2;
  string note = 3;
  Status status = 4;
  Party holder = 5;
  repeated Party parties = 6;
  oneof payment {
    string iban = 7;
  }
}
message Party {
  string name = 1;
}
enum Status {
  STATUS_UNSPECIFIED = 0;
  STATUS_OPEN = 1;
}`);

/** `note` is removed, `paid_cents` renamed, all else is added. */
const now = versions.compile<NewClaim>(`
message Claim {
  reserved 3;
  reserved "note";
  string id = 1;
  int64 settled_cents = 2;
  Status status = 4;
  Party holder = 5;
  repeated Party parties = 6;
  oneof payment {
    string iban = 7;
    Cash cash = 8;
  }
  repeated string tags = 9;
  map<string, int64> by_cover = 10;
  optional int32 rank = 11;
}
message Party {
  string name = 1;
  string city = 2;
}
message Cash {
  int64 cents = 1;
}
enum Status {
  STATUS_UNSPECIFIED = 0;
  STATUS_OPEN = 1;
  STATUS_DISPUTED = 2;
}`);

const written: OldClaim = {
  id: 'C-1',
  paidCents: 5n,
  note: 'by phone',
  status: 'OPEN',
  holder: { name: 'Ann' },
  parties: [{ name: 'Bob' }],
  payment: { case: 'iban', value: 'DE1' },
};
const rewritten: NewClaim = {
  id: 'C-2',
  settledCents: 7n,
  status: 'DISPUTED',
  holder: { name: 'Cem', city: 'Bonn' },
  parties: [{ name: 'Dan', city: 'Kiel' }],
  payment: { case: 'cash', value: { cents: 9n } },
  tags: ['a', 'b'],
  byCover: { fire: 1n },
  rank: 0,
};

test('buf agrees that nothing in this change breaks a reader, in both directions', () => {
  expect(breaking(old as never, now as never)).toBe('');
});

/** Without the bytes of fields that this version does not know, which lie under symbols. */
const known = <T>(value: T): T => structuredClone(value);

describe('an old producer and a new consumer', () => {
  test('a renamed field has its value, an added one its default, a removed one is not seen', () => {
    const { paidCents, note: _, ...same } = written;
    expect(known(now.serde.decode(old.serde.encode(written)))).toEqual({
      ...same,
      settledCents: paidCents,
      // Party has a field more
      holder: { name: 'Ann', city: '' },
      parties: [{ name: 'Bob', city: '' }],
      tags: [],
      byCover: {},
    });
  });

  test('what the new version removed is still there for an old reader behind it', () => {
    const passed = { ...now.serde.decode(old.serde.encode(written)), settledCents: 6n };
    expect(old.serde.decode(now.serde.encode(passed))).toEqual({ ...written, paidCents: 6n });
  });
});

describe('a new producer and an old consumer', () => {
  const seen = old.serde.decode(now.serde.encode(rewritten));

  test('a value of an enum that it does not know is a number, a member of a oneof that it does not know is none', () => {
    expect(known(seen)).toEqual({
      id: 'C-2',
      paidCents: 7n,
      note: '',
      status: 2,
      holder: { name: 'Cem' },
      parties: [{ name: 'Dan' }],
    });
  });

  test('what it does not know survives a change, in the messages within too', () => {
    const changed: OldClaim = { ...seen, paidCents: 8n, holder: { ...seen.holder!, name: 'Eva' } };
    expect(now.serde.decode(old.serde.encode(changed))).toEqual({
      ...rewritten,
      settledCents: 8n,
      holder: { name: 'Eva', city: 'Bonn' },
    });
  });

  test('a member of a oneof that it sets takes the place of the one it does not know', () => {
    const changed: OldClaim = { ...seen, payment: { case: 'iban', value: 'DE2' } };
    expect(now.serde.decode(old.serde.encode(changed)).payment).toEqual({ case: 'iban', value: 'DE2' });
  });

  test('a message that it makes anew has only what it knows', () => {
    const { id, paidCents, note, status, parties } = seen;
    const anew = now.serde.decode(old.serde.encode({ id, paidCents, note, status, parties: [...parties] }));
    expect(anew.tags).toEqual([]);
    // each of the parties is still the message that came
    expect(anew.parties).toEqual(rewritten.parties);
  });
});
