/** Work that nobody waits for: telling identity of ended sessions, and forgetting the ones that ran out. */
import type { Logger } from '@ballast/service';
import type { Sessions } from './sessions.ts';

const everyMs = 2_000;
const purgeEveryRounds = 30;

/** Begins sweeping; the function it returns ends it once the round under way is over. */
export function startSweeping(sessions: Sessions, logger: Logger): () => Promise<void> {
  let round = 0;
  let running: Promise<void> = Promise.resolve();
  let busy = false;

  const sweep = async (): Promise<void> => {
    busy = true;
    round += 1;
    try {
      await sessions.finishEnded();
      if (round % purgeEveryRounds === 1) await sessions.purge();
    } catch (error) {
      logger.warn({ err: error }, 'sessions could not be swept; next try follows');
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => {
    if (!busy) running = sweep();
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
