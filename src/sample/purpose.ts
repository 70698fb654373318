/** What random numbers are drawn for: the first part of a `Random.at`, so that no two draws share a start. */
export const PURPOSE = {
  policy: 1,
  client: 2,
  claim: 3,
  claimStep: 4,
  policyYear: 5,
  claimYear: 12,
  stray: 6,
  growth: 7,
  policyChange: 8,
  capture: 9,
  poison: 10,
  runId: 11,
} as const;
