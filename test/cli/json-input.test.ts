import { describe, expect, it } from 'vitest';
import { converterFor } from '../../src/cli/json-input.ts';
import { valueJson } from '../../src/cli/record-json.ts';
import { protobuf } from '../../src/serdes/index.ts';
import { ClaimEnriched } from '../../topologies/gen/insurance/v1/claim-enriched.ts';

const serde = protobuf(ClaimEnriched);

const claim: ClaimEnriched = {
  claimId: 'C-1',
  policyId: 'P-1',
  status: 'OPEN',
  claimedCents: 9_007_199_254_740_993n,
  paidCents: -5n,
  openedOn: '2021-01-01Z',
  claimVersion: 3,
  changedAtMs: 1_767_225_006_810,
  policy: {
    holderId: 'K-1',
    product: 'motor-car',
    cover: 'TPL',
    premiumCents: 31_200n,
    paymentFrequency: 'monthly',
    version: 2,
  },
};

describe('a message as JSON and back', () => {
  it('an int64 is a decimal string', () => {
    expect(valueJson(claim)).toMatchObject({
      claimedCents: '9007199254740993',
      paidCents: '-5',
      changedAtMs: 1_767_225_006_810,
    });
  });

  it('comes back as the same bytes, messages in it too', () => {
    const json: unknown = JSON.parse(JSON.stringify(valueJson(serde.decode(serde.encode(claim)))));
    const back = converterFor(serde.description)(json) as ClaimEnriched;
    expect(back).toEqual(claim);
    expect(Buffer.from(serde.encode(back))).toEqual(Buffer.from(serde.encode(claim)));
  });

  it('a value of the wrong type is left for the serde to refuse by its field', () => {
    const convert = converterFor(serde.description);
    const wrong = convert({ ...(valueJson(claim) as object), paidCents: 'much' }) as ClaimEnriched;
    expect(() => serde.encode(wrong)).toThrow(/paidCents/);
  });
});
