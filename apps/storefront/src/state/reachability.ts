/** Whether the shop can be reached, and whether it asked to wait. */
import { effect, signal } from '@preact/signals';

export type Reachability = 'reachable' | 'offline' | 'unreachable';

export const reachability = signal<Reachability>('reachable');

/** Grows each time the shop may work again: pages that failed load themselves anew. */
export const recoveries = signal(0);

/** Seconds the shop asked to wait, while that wait lasts. */
export const waiting = signal<number | null>(null);

/** Notes whether the last call got an answer. */
export function noteReachable(reached: boolean): void {
  if (!reached) {
    reachability.value = navigator.onLine ? 'unreachable' : 'offline';
  } else if (reachability.value !== 'reachable') {
    reachability.value = 'reachable';
    recoveries.value += 1;
  }
}

/** Milliseconds before a shop that did not answer is asked again; they double up to the longest. */
const firstPause = 1_000;
const longestPause = 15_000;

let nextPause = firstPause;
let recovery: ReturnType<typeof setTimeout> | undefined;

/** Tells that something failed which will pass: what failed loads itself anew after a while, and then less often. */
export function expectRecovery(): void {
  if (recovery !== undefined) return;
  recovery = setTimeout(() => {
    recovery = undefined;
    recoveries.value += 1;
  }, withJitter(nextPause));
  nextPause = Math.min(nextPause * 2, longestPause);
}

/** Tells that something was loaded: the next failure is followed up quickly again. */
export function noteLoaded(): void {
  nextPause = firstPause;
}

/** Jitter keeps all the visitors of a shop that comes back from arriving at the same moment. */
function withJitter(pause: number): number {
  return pause * (0.5 + Math.random() / 2);
}

/**
 * Begins to follow the browser's own view of its network, and asks a shop that cannot be reached again, with growing
 * pauses, until it answers. Call once.
 */
export function watchNetwork(probe: () => Promise<void>): void {
  const ask = (): void => void probe();
  window.addEventListener('offline', () => noteReachable(false));
  window.addEventListener('online', ask);
  effect(() => {
    if (reachability.value !== 'unreachable') return undefined;
    let pause = firstPause;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const askAgainLater = (): void => {
      if (over) return;
      timer = setTimeout(() => void probe().then(askAgainLater), withJitter(pause));
      pause = Math.min(pause * 2, longestPause);
    };
    // Whoever returns to the page need not wait.
    const returned = (): void => {
      if (document.visibilityState === 'visible') ask();
    };
    document.addEventListener('visibilitychange', returned);
    askAgainLater();
    return () => {
      over = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', returned);
    };
  });
}
