import { openEmbeddedBroker } from '../../../src/adapters/embedded/embedded-broker.ts';
import { nodeDisk } from '../../../src/adapters/embedded/node-disk.ts';
import { say } from '../../say.ts';
import { DyingDisk } from './fated-disk.ts';
import { commitNumbers, prepare, prepareRows } from './numbered-commits.ts';

/**
 * A process that commits numbers: `appender.ts <folder> <segment bytes> <commits a task> <dies at disk operation>`.
 * Writes a line for each acknowledged commit.
 */
const [folder, segmentBytes, count, diesAt] = process.argv.slice(2);
const disk = new DyingDisk(await nodeDisk(folder!), Number(diesAt));
const broker = await openEmbeddedBroker({ disk, segmentBytes: Number(segmentBytes), owner: 'numbering' });
await prepare(broker);
await prepareRows(broker);
say('ready');
await commitNumbers(broker, Number(count), (task, n) => say(`${task} ${n}`));
await broker.close();
