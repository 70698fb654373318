import { createLogUpdate } from 'log-update';
import { pictureOf } from '../graph/describe/picture.ts';
import { deadLettersTopic } from '../graph/names.ts';
import type { Figures } from '../runtime/figures.ts';
import type { Log } from '../runtime/ports.ts';
import { parseSampleOptions } from '../sample/sample-options.ts';
import type { Progress, RunDisplay, RunFacts } from './run-display.ts';
import { styleFor } from './style.ts';
import type { Style } from './style.ts';

/**
 * One display for each run of the process. Headers, pictures and hints stand; the progress lines between them, one a run, are
 * redrawn.
 */
export function terminalDisplays(runs: readonly RunFacts[], stream: NodeJS.WriteStream): RunDisplay[] {
  const style = styleFor(stream);
  const block = new LiveBlock(stream, hintsOf(runs, style.cyan), runs.length);
  const width = Math.max(...runs.map(({ topology }) => topology.name.length));
  return runs.map((facts, row) => {
    const name = runs.length === 1 ? '' : `${style.bold(facts.topology.name.padEnd(width))}   `;
    return displayOf(facts, style, block, row, name);
  });
}

/** What is redrawn: a row for each run, and hints below them. */
class LiveBlock {
  readonly #stream: NodeJS.WriteStream;
  readonly #live: ReturnType<typeof createLogUpdate>;
  readonly #rows: string[];
  readonly #hints: string;
  #open: number;

  constructor(stream: NodeJS.WriteStream, hints: string, rows: number) {
    // some pseudo-terminals have no size
    stream.rows ||= 24;
    stream.columns ||= 80;
    this.#stream = stream;
    this.#live = createLogUpdate(stream);
    this.#rows = Array.from({ length: rows }, () => '');
    this.#open = rows;
    this.#hints = hints;
  }

  set(row: number, text: string): void {
    this.#rows[row] = text;
    this.#draw();
  }

  /** Above the block, for good. */
  write(text: string): void {
    this.#live.clear();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** In place of the block, until the first row is set. */
  beforehand(text: string): void {
    if (this.#rows.every(row => row === '')) this.#live(text);
  }

  /** A row says its last. */
  end(): void {
    if (--this.#open > 0) return;
    if (this.#rows.every(row => row === '')) this.#live.clear();
    this.#live.done();
  }

  #draw(): void {
    const rows = this.#rows.filter(row => row !== '');
    if (rows.length > 0) this.#live(`${rows.join('\n')}\n\n${this.#hints}\n`);
  }
}

function displayOf(facts: RunFacts, style: Style, block: LiveBlock, row: number, name: string): RunDisplay {
  let last = '';
  let state = '';
  let sample = '';
  const draw = () => {
    if (last !== '') block.set(row, `  ${name}${last}${state === '' ? '' : `   ${style.yellow(state)}`}`);
  };
  const show = (progress: Progress) => {
    last = progressText(progress, style.red);
    draw();
  };
  const warn = (colour: (text: string) => string, fields: Readonly<Record<string, unknown>>, message: string) =>
    block.write(`  ${name}${colour(typeof fields['code'] === 'string' ? `${fields['code']}: ${message}` : message)}`);
  const log: Log = {
    info(fields, message) {
      if (typeof fields['sample'] === 'string') sample = sampleNote(fields['sample']);
      // what takes time at a start
      if (message === 'restoring state')
        block.beforehand(
          `  restoring ${String(fields['task'])}: ${number(fields['restored'])} of ${number(fields['total'])}`,
        );
    },
    warn: (fields, message) => warn(style.yellow, fields, message),
    error: (fields, message) => warn(style.red, fields, message),
  };
  return {
    log,
    intervalMs: 100,
    started(created) {
      const { topology, data, metrics } = facts;
      const header = [
        style.bold(topology.name),
        `embedded broker in ${data.replace(/\/?$/, '/')}`,
        ...(sample === '' ? [] : [sample]),
        ...(metrics === undefined ? [] : [metrics]),
      ];
      const topics =
        created.length === 0 ? '' : `\n\n${style.dim(`  created topics: ${createdText(topology.name, created)}`)}`;
      block.write(`${header.join(' · ')}\n\n${pictureOf(topology)}${topics}\n`);
    },
    progress: show,
    caughtUp: show,
    deadLetter({ code, place: { step, topic, partition, offset } }) {
      const where = step === undefined || step === topic ? '' : `step ${step}, `;
      block.write(style.dim(`  ${name}dead letter ${code}: ${where}${topic}-${partition} offset ${offset}`));
    },
    stopping(reason) {
      state = `stopping (${reason})`;
      draw();
    },
    ended(progress, stopped) {
      state = stopped ? 'stopped, everything committed' : name === '' ? '' : 'ended by an error';
      if (progress) show(progress);
      block.end();
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

function hintsOf(runs: readonly RunFacts[], colour: (text: string) => string): string {
  const [{ data, file }] = runs as readonly [RunFacts];
  const folder = data === '.topo' ? '' : ` --data ${data}`;
  const sinks = runs.flatMap(({ topology }) => topology.nodes.find(node => node.kind === 'sink')?.topic.name ?? []);
  const commands = [
    sinks.length > 0 ? `topo tail ${sinks[0]}${folder}` : `topo topics${folder}`,
    `topo dlq ls${runs.length === 1 ? '' : ` ${runs[0]!.topology.name}`}${folder}`,
    `topo describe ${file} --mermaid`,
  ];
  return `  next:  ${commands.map(colour).join('    ')}`;
}

function sampleNote(text: string): string {
  const { policies, years } = parseSampleOptions(text);
  return `sample feed: ${number(policies)} policies over ${years} ${years === 1 ? 'year' : 'years'} (--no-sample to leave it out)`;
}

const number = (value: unknown): string => Number(value).toLocaleString('en');
