import { run } from 'topo-streams/run';
import type { Log } from '../../src/runtime/ports.ts';
import { say } from '../say.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Scenario, ScenarioName } from './scenarios.ts';

/** The process that is killed: runs a scenario on a folder until then, and says where it is, a line each. */
const [, , name, data] = process.argv;

const log: Log = {
  info: () => {},
  warn: (_, message) => say(`warn ${message}`),
  error: (_, message) => say(`error ${message}`),
};
const { topology, options }: Scenario = SCENARIOS[name as ScenarioName];

say('starting');
const running = await run(topology, { ...options, data: data!, log });
say('running');
running.figures$.subscribe(() => say('commit'));
await running.idle();
say('idle');
await running.done;
