/** What there can be one of only is begun and ended one after the other, in the order of asking. */

/** Resolves or rejects as `work` does, which begins once all that was asked for earlier under the same name has ended. */
export type Turns = (name: string, work: () => Promise<void>) => Promise<void>;

/** Turns for any number of names; nothing is kept of a name that nobody waits for. */
export function createTurns(): Turns {
  const latest = new Map<string, Promise<void>>();
  return async (name, work) => {
    const mine = Promise.allSettled([latest.get(name)]).then(work);
    latest.set(name, mine);
    try {
      await mine;
    } finally {
      if (latest.get(name) === mine) latest.delete(name);
    }
  };
}
