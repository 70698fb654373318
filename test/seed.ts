export { Random as Dice } from '../src/testing/simulator/random.ts';

/** The seed of a random test: `TOPO_SEED`, or a new one. It is printed, so that a run can be repeated. */
export function seedOf(test: string): number {
  const given = Number(process.env['TOPO_SEED']);
  const seed = Number.isSafeInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 0x7fff_fffe);
  process.stdout.write(`${test}: TOPO_SEED=${seed}\n`);
  return seed;
}
