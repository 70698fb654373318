import { DISK_FAULTS } from './disk-faults.ts';
import type { DiskFaultKind } from './disk-faults.ts';
import type { Random } from './random.ts';

/** What a simulation may do to an application. */
export const FAULTS = ['kill', 'power-cut', ...DISK_FAULTS] as const;
export type FaultKind = (typeof FAULTS)[number];

/** What a process meets in its life. */
export interface Fate {
  /** The turn at which it dies, of those whose name begins so; Infinity: it ends when all is done. */
  readonly deathAt: number;
  readonly deathOn: string;
  /** The machine goes with it, and what was not synced. */
  readonly isPowerCut: boolean;
  readonly fault: DiskFaultKind | 'none';
  /** Which of the operations that the fault can happen to. */
  readonly faultAt: number;
  /** It is killed, or the power goes, before it has dealt with the fault. */
  readonly diesOfFault: boolean;
  /** If it ends in order: so long after its input was there, whether it is idle or not. Null: when it is. */
  readonly stopsAfterMs: number | null;
}

export const CALM: Fate = {
  deathAt: Infinity,
  deathOn: '',
  isPowerCut: false,
  fault: 'none',
  faultAt: 0,
  diesOfFault: false,
  stopsAfterMs: null,
};

/** What happens seldom, or when all wait, and must be able to end in the middle as well. */
const RARE = [
  'wake',
  'wake',
  'create',
  'sync the folder',
  'remove',
  'truncate',
  'open the state',
  'set the state',
  'write clean-stop',
];

/** Most lives end soon, some when much is done; one in eight ends in order. */
export function drawFate(random: Random, faults: readonly FaultKind[]): Fate {
  const diskFaults = DISK_FAULTS.filter(kind => faults.includes(kind));
  const fault = diskFaults.length > 0 && random.chance(0.3) ? random.oneOf(diskFaults) : 'none';
  const deaths = faults.filter(kind => kind === 'kill' || kind === 'power-cut');
  const death = deaths.length > 0 ? random.oneOf(deaths) : undefined;
  const dies = death !== undefined && random.chance(7 / 8);
  const isRare = random.chance(0.3);
  return {
    deathAt: dies ? 1 + Math.floor(random.unit() ** 2 * (isRare ? 6 : random.oneOf([100, 300, 800]))) : Infinity,
    deathOn: isRare ? random.oneOf(RARE) : '',
    isPowerCut: death === 'power-cut',
    fault,
    faultAt: 1 + Math.floor(random.unit() ** 2 * 60),
    diesOfFault: death !== undefined && random.chance(0.3),
    stopsAfterMs: random.chance(0.5) ? random.below(100) : null,
  };
}
