import type { LogView } from './fetch.ts';
import type { LiveLog } from './reader.ts';

/**
 * Looks into a log whose files are cleaned meanwhile: what lies in a file that is taken away between the look into the index and
 * the read lies in another one by then, or is gone.
 */
export async function whileFilesGo<T>(log: Pick<LiveLog, 'view'>, look: (view: LogView) => Promise<T>): Promise<T> {
  for (;;) {
    const view = await log.view();
    const { version } = view.index;
    try {
      return await look(view);
    } catch (error) {
      const { index } = await log.view();
      if (index === view.index && index.version === version) throw error;
    }
  }
}
