import { premiumCents, vehiclesOfClient, weighted } from './distributions.ts';
import { PURPOSE } from './purpose.ts';
import type { Random } from './random.ts';
import { dateText } from './rows.ts';
import type { Cover, PaymentFrequency, Policy } from './rows.ts';

const productOf = weighted([
  ['motor-car', 87],
  ['motor-van', 8],
  ['motorcycle', 5],
]);

const coverOf = weighted<Cover>([
  ['TPL', 64.5],
  ['TPL_PLUS', 17.5],
  ['COMP', 9.3],
  ['COMP_PLUS', 8.6],
]);

const paymentFrequencyOf = weighted<PaymentFrequency>([
  ['yearly', 38],
  ['monthly', 30],
  ['half-yearly', 30],
  ['quarterly', 2.5],
]);

/** Half of all drivers sit at the best coefficient. */
const bonusMalusOf = weighted([
  [50, 50],
  [57, 12],
  [68, 12],
  [76, 8],
  [90, 7],
  [100, 8],
  [125, 2],
  [156, 1],
]);

const STREETS = [
  'rue de la Paix',
  'avenue Foch',
  'rue Hoche',
  'place du Marché',
  'chemin des Écoliers',
  "rue de l'Église",
];
const PLACES = ['75011 Paris', '69003 Lyon', '13006 Marseille', '31000 Toulouse', '59800 Lille', '42000 Saint-Étienne'];

/** Writes policies as they begin and as they change. */
export class PolicyLife {
  readonly #random: Random;
  #client = 0;
  #vehiclesToCome = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Clients fill up with vehicles one after another, so call it once for each policy, in one order. */
  begin(number: number, validFrom: string): Policy {
    if (this.#vehiclesToCome === 0) {
      this.#client++;
      this.#vehiclesToCome = vehiclesOfClient(this.#random.at(PURPOSE.client, this.#client, 0));
    }
    this.#vehiclesToCome--;
    const random = this.#random.at(PURPOSE.policy, number, 0);
    return {
      number,
      client: this.#client,
      product: productOf(random),
      cover: coverOf(random),
      premiumCents: premiumCents(random),
      paymentFrequency: paymentFrequencyOf(random),
      bonusMalus: bonusMalusOf(random),
      address: addressOf(random),
      validFrom,
      version: 1,
    };
  }

  /** A date in the ten years before the feed's clock starts. */
  earlier(number: number, startUs: number): string {
    return dateText(startUs - Math.floor(this.#random.at(PURPOSE.policy, number, 1).between(1, 3650)) * 86_400e6);
  }

  /** A year without a claim lowers the coefficient by 5 %, a claim raises it by 25 %; the premium follows. */
  changeBonusMalus(policy: Policy, atUs: number): Policy {
    const random = this.#at(policy);
    const rises = policy.bonusMalus === 50 || (policy.bonusMalus < 350 && random.unit() < 0.3);
    const bonusMalus = rises
      ? Math.min(350, Math.floor(policy.bonusMalus * 1.25))
      : Math.max(50, Math.floor(policy.bonusMalus * 0.95));
    const premiumCents = Math.round((policy.premiumCents * bonusMalus) / policy.bonusMalus);
    return next(policy, atUs, { bonusMalus, premiumCents });
  }

  changePaymentFrequency(policy: Policy, atUs: number): Policy {
    const random = this.#at(policy);
    let paymentFrequency = policy.paymentFrequency;
    while (paymentFrequency === policy.paymentFrequency) paymentFrequency = paymentFrequencyOf(random);
    return next(policy, atUs, { paymentFrequency });
  }

  changeAddress(policy: Policy, atUs: number): Policy {
    const random = this.#at(policy);
    let address = policy.address;
    while (address === policy.address) address = addressOf(random);
    return next(policy, atUs, { address });
  }

  #at(policy: Policy): Random {
    return this.#random.at(PURPOSE.policyChange, policy.number, policy.version);
  }
}

function next(policy: Policy, atUs: number, changes: Partial<Policy>): Policy {
  return { ...policy, ...changes, validFrom: dateText(atUs), version: policy.version + 1 };
}

const addressOf = (random: Random): string =>
  `${1 + random.below(180)} ${random.oneOf(STREETS)}, ${random.oneOf(PLACES)}`;
