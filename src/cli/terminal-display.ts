import { createLogUpdate } from 'log-update';
import { pictureOf } from '../graph/describe/picture.ts';
import { deadLettersTopic } from '../graph/names.ts';
import type { Figures } from '../runtime/figures.ts';
import type { Log } from '../runtime/ports.ts';
import { parseSampleOptions } from '../sample/sample-options.ts';
import type { Progress, RunDisplay, RunFacts } from './run-display.ts';
import { styleFor } from './style.ts';

/** Header, picture and hints stand; the progress line between them is redrawn. */
export function terminalDisplay(facts: RunFacts, stream: NodeJS.WriteStream): RunDisplay {
  const style = styleFor(stream);
  // some pseudo-terminals have no size
  stream.rows ||= 24;
  stream.columns ||= 80;
  const live = createLogUpdate(stream);
  const hints = hintsOf(facts, style.cyan);
  let last = '';
  let state = '';
  let sample = '';
  const draw = () => live(`${last}${state === '' ? '' : `   ${style.yellow(state)}`}\n\n${hints}\n`);
  const write = (line: string) => {
    live.clear();
    stream.write(`${line}\n`);
    if (last !== '') draw();
  };
  const show = (progress: Progress) => {
    last = `  ${progressText(progress, style.red)}`;
    draw();
  };
  const warn = (colour: (text: string) => string, fields: Readonly<Record<string, unknown>>, message: string) =>
    write(`  ${colour(typeof fields['code'] === 'string' ? `${fields['code']}: ${message}` : message)}`);
  const log: Log = {
    info(fields, message) {
      if (typeof fields['sample'] === 'string') sample = sampleNote(fields['sample']);
      // before the first figures: what takes time at a start
      if (message === 'restoring state' && last === '')
        live(`  restoring ${String(fields['task'])}: ${number(fields['restored'])} of ${number(fields['total'])}`);
    },
    warn: (fields, message) => warn(style.yellow, fields, message),
    error: (fields, message) => warn(style.red, fields, message),
  };
  return {
    log,
    intervalMs: 100,
    started(created) {
      live.clear();
      const { topology, data, metrics } = facts;
      const header = [
        style.bold(topology.name),
        `embedded broker in ${data.replace(/\/?$/, '/')}`,
        ...(sample === '' ? [] : [sample]),
        ...(metrics === undefined ? [] : [metrics]),
      ];
      stream.write(`${header.join(' · ')}\n\n${pictureOf(topology)}\n\n`);
      if (created.length > 0)
        stream.write(`${style.dim(`  created topics: ${createdText(topology.name, created)}`)}\n\n`);
    },
    progress: show,
    caughtUp: show,
    deadLetter({ code, place: { step, topic, partition, offset } }) {
      const where = step === undefined || step === topic ? '' : `step ${step}, `;
      write(style.dim(`  dead letter ${code}: ${where}${topic}-${partition} offset ${offset}`));
    },
    stopping(reason) {
      state = `stopping (${reason})`;
      if (last !== '') draw();
    },
    ended(progress, stopped) {
      state = stopped ? 'stopped, everything committed' : '';
      if (progress) show(progress);
      else live.clear();
      live.done();
    },
  };
}

/** The users' own by name, the topology's by number. */
function createdText(topology: string, created: readonly string[]): string {
  const users = created.filter(name => !name.startsWith(`${topology}-`) && name !== deadLettersTopic(topology));
  const own = created.length - users.length;
  return [...users, ...(own === 0 ? [] : [`${own} of its own`])].join(', ');
}

/** `in 81,204   out 52,310   dead letters 80   dropped 12 (tombstone)   181,400/s   lag 0   caught up in 0.5 s` */
export function progressText(
  { figures, ratePerSecond, caughtUpMs }: Progress,
  alarm: (text: string) => string,
): string {
  const letters = `dead letters ${number(figures.deadLettered)}`;
  return [
    `in ${number(figures.in)}`,
    `out ${number(figures.out)}`,
    figures.deadLettered > 0 ? alarm(letters) : letters,
    ...droppedText(figures),
    `${number(ratePerSecond)}/s`,
    `lag ${number(figures.lag)}`,
    ...(caughtUpMs === undefined ? [] : [`caught up in ${(caughtUpMs / 1000).toFixed(1)} s`]),
  ].join('   ');
}

function droppedText({ dropped }: Figures): string[] {
  const reasons = Object.entries(dropped);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return [];
  const why =
    reasons.length === 1 ? reasons[0]![0] : reasons.map(([reason, count]) => `${number(count)} ${reason}`).join(', ');
  return [`dropped ${number(total)} (${why})`];
}

function hintsOf({ topology, file, data }: RunFacts, colour: (text: string) => string): string {
  const folder = data === '.topo' ? '' : ` --data ${data}`;
  const sink = topology.nodes.find(node => node.kind === 'sink');
  const commands = [
    ...(sink ? [`topo tail ${sink.topic.name}${folder}`] : [`topo topics${folder}`]),
    `topo dlq ls${folder}`,
    `topo describe ${file} --mermaid`,
  ];
  return `  next:  ${commands.map(colour).join('    ')}`;
}

function sampleNote(text: string): string {
  const { policies, years } = parseSampleOptions(text);
  return `sample feed: ${number(policies)} policies over ${years} ${years === 1 ? 'year' : 'years'} (--no-sample to leave it out)`;
}

const number = (value: unknown): string => Number(value).toLocaleString('en');
