/** A device whose network is gone: it neither speaks nor reads, and its socket stays open. */
import { brokenOff, type Scenario } from './scenario.ts';

export const halfOpen: Scenario = {
  name: 'half_open',
  does: 'is let in, then neither speaks nor reads',
  expected: ['closing idle'],
  token: 'good',
  sockets: 1,
  pauseMs: 5_000,
  play: async (stage) => {
    const connection = await stage.connect();
    const verdict = await connection.present(stage.token);
    if (verdict !== 'accepted') {
      await connection.hangUp();
      return verdict;
    }
    connection.deafen();
    await stage.pause(connection.heartbeatMs + stage.patienceMs);
    // By now the gateway has given it up. What it was told meanwhile is there; what comes only later was too late.
    connection.hear();
    const end = stage.stopped() ? brokenOff : ((await connection.endWithin(500)) ?? 'not closed');
    await connection.hangUp();
    return end;
  },
};
