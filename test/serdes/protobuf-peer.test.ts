import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordError } from '../../src/errors.ts';
import { protobuf } from '../../src/serdes/index.ts';
import { Kinds } from './gen/kinds/v1/kinds.ts';
import { anyKinds } from './kinds.ts';
import { asRead, peerType } from './protobuf-peer.ts';

const Peer = peerType('kinds.v1.Kinds');
const kinds = protobuf(Kinds);

describe('protobufjs agrees', () => {
  test('on what it reads of our bytes, and we on what we read of its', () => {
    fc.assert(
      fc.property(anyKinds, value => {
        const ours = kinds.encode(value);
        const theirs = Peer.encode(Peer.decode(ours)).finish();
        expect(kinds.decode(theirs)).toEqual(value);
        expect(asRead(Peer, ours)).toEqual(asRead(Peer, theirs));
      }),
      { numRuns: 300 },
    );
  });

  test('on damaged bytes, or we refuse them', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        // Of a oneof the peer keeps every member that came.
        anyKinds.map(value => Buffer.from(kinds.encode({ ...value, payment: undefined }))),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('set', 'insert', 'remove', 'cut')), {
          minLength: 1,
          maxLength: 3,
        }),
        (bytes, changes) => {
          const damaged = changes.reduce(damage, bytes);
          let value: Kinds;
          try {
            value = kinds.decode(damaged);
          } catch (error) {
            expect(error).toBeInstanceOf(RecordError);
            return;
          }
          if (value.payment !== undefined) return;
          accepted++;
          expect(asRead(Peer, kinds.encode(value))).toEqual(asRead(Peer, damaged));
        },
      ),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

function damage(bytes: Buffer, [place, byte, how]: [number, number, string]): Buffer {
  const at = place % (bytes.length + 1);
  if (how === 'cut') return bytes.subarray(0, at);
  if (how === 'remove') return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  const behind = how === 'set' ? at + 1 : at;
  return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(behind)]);
}
