/** A device that comes again while its old session still stands, and then once more. */
import type { Connection } from '../devices/connection.ts';
import type { Scenario, Stage } from './scenario.ts';

const replacedBy = 'each closing replaced by the next, the last one answered';
const closedMs = 5_000;

export const replaced: Scenario = {
  name: 'replaced',
  does: 'comes three times; each time the session before has to go, and its end must not touch the new one',
  expected: [replacedBy],
  token: 'good',
  sockets: 2,
  pauseMs: 5_000,
  play: async (stage) => {
    const first = await stage.connect();
    const verdict = await first.present(stage.token);
    if (verdict !== 'accepted') {
      await first.hangUp();
      return verdict;
    }
    const second = await next(stage, first, 'first');
    if (typeof second === 'string') return second;
    // The first socket is gone by now: whether its end has taken the second session along shows when a third one comes.
    const third = await next(stage, second, 'second');
    if (typeof third === 'string') return third;
    third.ping();
    const outcome = (await third.ponged()) ? replacedBy : `the last one ${third.end ?? 'without an answer'}`;
    await third.hangUp();
    return outcome;
  },
};

/** Comes again while `before` is connected; answers the new session, or what was wrong. Nobody is left connected then. */
async function next(stage: Stage, before: Connection, which: string): Promise<Connection | string> {
  const fresh = await stage.connect({ atOnce: true });
  const verdict = await fresh.present(stage.token);
  const end = await before.endWithin(verdict === 'accepted' ? closedMs : 0);
  await before.hangUp();
  if (verdict === 'accepted' && end === 'closing replaced') return fresh;
  await fresh.hangUp();
  return verdict === 'accepted' ? `the ${which} one ${end ?? 'not closed'}` : `the next one ${verdict}`;
}
