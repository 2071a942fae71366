/** What has to go from time to time: processes that are over, old events, devices not heard of any more. */
import type { Database } from '@ballast/postgres';
import type { Counting } from './counting.ts';
import { deleteOldEvents } from './store/audit.ts';
import { deleteOldFrames } from './store/latest.ts';

const everyMs = 60_000;

export interface Sweeps {
  start(): void;
  /** Resolves when the one that runs is done. */
  stop(): Promise<void>;
}

/** Sweeps once a minute. What fails is told and tried again with the next one. */
export function createSweeps(options: {
  database: Database;
  counting: Counting;
  retentionDays: number;
  onError: (what: string, error: unknown) => void;
}): Sweeps {
  const { database, counting, retentionDays, onError } = options;
  const steps: [string, () => Promise<unknown>][] = [
    ['counts could not be folded', () => counting.sweep()],
    ['old events could not be deleted', () => deleteOldEvents(database, retentionDays)],
    ['old telemetry could not be deleted', () => deleteOldFrames(database, retentionDays)],
  ];
  let sweeping: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const sweep = async (): Promise<void> => {
    for (const [what, step] of steps) {
      try {
        await step();
      } catch (error) {
        onError(what, error);
      }
    }
  };
  const tick = (): void => {
    sweeping ??= sweep().finally(() => {
      sweeping = undefined;
    });
  };
  return {
    start: () => {
      timer = setInterval(tick, everyMs);
      tick();
    },
    stop: async () => {
      clearInterval(timer);
      await sweeping;
    },
  };
}
