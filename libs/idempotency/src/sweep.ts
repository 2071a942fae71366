/** Forgetting keys that are old enough. */
import type { Clock, Timer } from '@ballast/postgres';
import type { IdempotencyStore } from './store.ts';

const everyMs = 60_000;
/** Rows of one statement: what a busy hour leaves would outlast the statement's time. */
const stepSize = 1_000;

export interface SweepOptions {
  store: Pick<IdempotencyStore, 'sweep'>;
  /** Age in ms from which a key is forgotten. */
  keepMs: number;
  onError: (what: string, error: unknown) => void;
  clock: Clock;
}

/** Removes what is old enough, step by step; returns how many. `ended` is asked between two steps. */
export async function sweepOnce(
  { store, keepMs }: Pick<SweepOptions, 'store' | 'keepMs'>,
  ended: () => boolean = () => false,
  size = stepSize,
): Promise<number> {
  let total = 0;
  for (let gone = size; gone === size && !ended();) {
    gone = await store.sweep(keepMs, size);
    total += gone;
  }
  return total;
}

/** Sweeps about once a minute; the function it returns ends that once the step under way is over. */
export function startSweeping(options: SweepOptions): () => Promise<void> {
  let stopped = false;
  let running: Promise<unknown> = Promise.resolve();
  let timer: Timer | undefined;
  const schedule = (): void => {
    // Replicas that were started together need not sweep together.
    timer = options.clock.setTimeout(
      () => {
        running = sweepOnce(options, () => stopped)
          .catch((error: unknown) => options.onError('old idempotency keys could not be forgotten', error))
          .finally(() => {
            if (!stopped) schedule();
          });
      },
      everyMs * (0.5 + Math.random()),
    );
    timer.unref();
  };
  schedule();
  return async () => {
    stopped = true;
    options.clock.clearTimeout(timer);
    await running;
  };
}
