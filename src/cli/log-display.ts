import { destination as openDestination, pino } from 'pino';
import { isRead } from '../graph/edges.ts';
import type { Progress, RunDisplay, RunFacts } from './run-display.ts';

/** The same facts as lines of JSON on standard output, for whatever collects logs. */
export function logDisplay({ topology, file, data, metrics }: RunFacts): RunDisplay {
  const destination = openDestination({ dest: 1, sync: true });
  // nobody reads any more: the run goes on
  destination.on('error', () => {});
  const log = pino(
    {
      base: { topology: topology.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  );
  const reads = topology.nodes.filter(isRead).map(node => node.topic.name);
  const writes = [...new Set(topology.nodes.flatMap(node => (node.kind === 'sink' ? [node.topic.name] : [])))];
  let lastIn = -1;
  return {
    log,
    intervalMs: 5000,
    started(created) {
      log.info({ file, broker: 'embedded', data, reads, writes, metrics }, 'started');
      if (created.length > 0) log.info({ created }, 'created topics');
    },
    progress(progress) {
      // a run that waits says nothing
      if (progress.figures.in === lastIn && progress.figures.isIdle) return;
      lastIn = progress.figures.in;
      log.info(fieldsOf(progress), 'progress');
    },
    caughtUp: progress => log.info(fieldsOf(progress), 'caught up'),
    deadLetter: ({ code, place: { step, topic, partition, offset } }) =>
      log.warn({ code, step, topic, partition, offset }, 'dead letter'),
    stopping: reason => log.info({ reason }, 'stopping'),
    ended(progress, stopped) {
      const fields = progress ? fieldsOf(progress) : {};
      if (stopped) log.info(fields, 'stopped, everything committed');
      else log.error(fields, 'ended by an error');
    },
  };
}

function fieldsOf({ figures, ratePerSecond, caughtUpMs }: Progress) {
  const { in: read, out, deadLettered, dropped, lag, isIdle } = figures;
  return {
    in: read,
    out,
    deadLettered,
    dropped,
    lag,
    isIdle,
    ratePerSecond,
    ...(caughtUpMs !== undefined && { caughtUpMs: Math.round(caughtUpMs) }),
  };
}
