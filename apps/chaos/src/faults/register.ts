/** All faults there are and were, newest first, and what is told of them. */
import type { ChaosState } from '../state.ts';
import { isFinished, shown, type Entry } from './entry.ts';
import { createWindowKeeper, type WindowKeeper } from './window.ts';

/** How many of those that are over are remembered. */
const mostFinished = 200;

export interface Register {
  add(entry: Entry): void;
  entries(): readonly Entry[];
  /** Active ones and recovering ones. */
  unfinished(): readonly Entry[];
  /** These, and those that failed and are still being taken back: what may be felt now. */
  felt(): readonly Entry[];
  /** Puts fresh figures into the state, forgets what was over long ago, and looks whether the window is another. */
  publish(): void;
  window: WindowKeeper;
}

/** An empty one, which tells `state`. */
export function createRegister(state: ChaosState): Register {
  let entries: Entry[] = [];
  const unfinished = (): Entry[] => entries.filter((entry) => !isFinished(entry));
  const felt = (): Entry[] => entries.filter((entry) => !isFinished(entry) || entry.undoing);
  const window = createWindowKeeper(felt);
  const forget = (): void => {
    let kept = 0;
    entries = entries.filter((entry) => {
      if (!isFinished(entry)) return true;
      kept += 1;
      return kept <= mostFinished;
    });
  };
  const publish = (): void => {
    forget();
    state.set('faults', entries.map(shown));
    window.look();
  };
  return {
    add: (entry) => {
      entries = [entry, ...entries];
      publish();
    },
    entries: () => entries,
    unfinished,
    felt,
    publish,
    window,
  };
}
