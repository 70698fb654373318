import type { Topology } from '../../src/index.ts';
import { string, topic } from '../../src/index.ts';
import type { InputRecord } from '../../src/testing/index.ts';
import { brief, drive } from '../drive.ts';

export const left = topic('left', string(), string());
export const right = topic('right', string(), string());
export const output = topic('out', string(), string());

export const pair = (l: string | null, r: string | null): string => `${l}-${r}`;

/** `L A@3` is value A at 3 ms on the left under key k, `R j=~@4` a tombstone on the right under key j; `~` is null as a key too. */
export function input(text: string): InputRecord {
  const { side, key = 'k', value, timestamp } = /^(?<side>[LR]) (?:(?<key>[^=]*)=)?(?<value>.*)@(?<timestamp>\d+)$/.exec(text)!
    .groups as { side: string; key?: string; value: string; timestamp: string }; // prettier-ignore
  return {
    topic: side === 'L' ? 'left' : 'right',
    key: key === '~' ? null : key,
    value: value === '~' ? null : value,
    timestamp: Number(timestamp),
  };
}

/** What each input led to, by its number, without those that led to nothing: `#4 A-a@4`. Keys are left out. */
export async function answers(build: Topology, inputs: string): Promise<string[]> {
  await using driver = await drive(build);
  const seen: string[] = [];
  for (const [index, text] of inputs.split(', ').entries()) {
    await driver.pipe(input(text));
    for (const answer of brief(await driver.read('out'))) seen.push(`#${index + 1} ${answer.replace(/^.*?=/, '')}`);
  }
  return seen;
}

/** `#4 A-a@4 #5 B-a@5` as a list. */
export const listed = (text: string): string[] => text.split(/ (?=#)/).filter(line => line !== '');
