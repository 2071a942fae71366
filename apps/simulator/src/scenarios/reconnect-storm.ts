/** Devices that all lose their connection at one moment, and all come back at once. */
import type { Scenario } from './scenario.ts';
import { stay } from './stay.ts';

/** Told that there are too many, a device tries again so many times. */
const tries = 5;

export const reconnectStorm: Scenario = {
  name: 'reconnect_storm',
  does: 'hangs up every 5 s, together with all the others, and comes back at once',
  expected: ['accepted', 'accepted, but not at once'],
  token: 'good',
  sockets: 1,
  lasting: true,
  pauseMs: 0,
  play: async (stage) => {
    for (let tried = 1; ; tried += 1) {
      const connection = await stage.connect({ atOnce: stage.round > 0 || tried > 1 });
      const verdict = await connection.present(stage.token);
      if (verdict === 'accepted') {
        const end = await stay(connection, stage, { milliseconds: stage.untilStorm(), rate: 0 });
        if (connection.pingWaits > 0 && end === undefined) await connection.ponged();
        await connection.hangUp();
        return end ?? (tried === 1 ? 'accepted' : 'accepted, but not at once');
      }
      await connection.hangUp();
      const tooMany = verdict === 'cut' || verdict === 'rejected over_capacity';
      if (!tooMany || tried === tries || stage.stopped()) return verdict;
      // Full jitter, as devices had better do.
      await stage.pause(stage.random() * 250 * 2 ** tried);
    }
  },
};
