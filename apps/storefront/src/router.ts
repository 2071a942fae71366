/** Which page is shown: the address bar as a signal, and the way to change it. */
import { signal } from '@preact/signals';
import { matchPath } from './paths.ts';
import type { Place } from './paths.ts';

function read(): Place {
  return matchPath(window.location.pathname, window.location.search);
}

/** Where the visitor is. */
export const place = signal<Place>(read());

/** Grows with every move to another page (not with a search being typed): the page takes the focus then. */
export const arrivals = signal(0);

type HistoryState = { key: number };

let lastKey = 0;
const scrollPositions = new Map<number, number>();

function currentKey(): number {
  return (window.history.state as HistoryState | null)?.key ?? 0;
}

/** Goes to an address of the shop. `replace` leaves no trace in the history; `quiet` keeps focus and scroll. */
export function navigate(address: string, options: { replace?: boolean; quiet?: boolean } = {}): void {
  scrollPositions.set(currentKey(), window.scrollY);
  if (options.replace === true) {
    window.history.replaceState({ key: currentKey() }, '', address);
  } else {
    lastKey += 1;
    window.history.pushState({ key: lastKey }, '', address);
  }
  place.value = read();
  if (options.quiet !== true) {
    arrivals.value += 1;
    window.scrollTo(0, 0);
  }
}

/** Begins to follow the browser's own back and forward. Call once. */
export function startRouter(): void {
  window.history.scrollRestoration = 'manual';
  // After a reload the history still holds keys of the page's life before.
  lastKey = Math.max(currentKey(), Date.now());
  window.history.replaceState({ key: currentKey() }, '');
  window.addEventListener('popstate', () => {
    const position = scrollPositions.get(currentKey()) ?? 0;
    const next = read();
    // The skip link only changes the part after `#`: that is no other page.
    if (next.address === place.value.address) return;
    place.value = next;
    arrivals.value += 1;
    // The page has to be drawn before there is anything to scroll to.
    requestAnimationFrame(() => window.scrollTo(0, position));
  });
  // Where the reader was counts also when the move comes from the browser's own buttons.
  window.addEventListener(
    'scroll',
    () => {
      scrollPositions.set(currentKey(), window.scrollY);
    },
    { passive: true },
  );
}
