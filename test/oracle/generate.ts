import { writeFileSync } from 'node:fs';
import { Dice } from '../seed.ts';
import { randomCases } from './random-cases.ts';
import { sequences } from './sequences.ts';

/** Fixed, so that the committed files can be made again. */
const SEED = 20_240_917;

const cases = [...sequences(), ...randomCases(new Dice(SEED))];
const names = new Set(cases.map(one => one.name));
if (names.size !== cases.length) throw new Error('two cases have one name');
writeFileSync(new URL('cases.jsonl', import.meta.url), cases.map(one => `${JSON.stringify(one)}\n`).join(''));
