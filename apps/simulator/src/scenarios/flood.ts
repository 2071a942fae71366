/** A device, or what pretends to be one, that opens connection after connection and says nothing on any. */
import type { Scenario } from './scenario.ts';

const connectionsAtOnce = 20;
/** Waited out, told that there are too many, or cut without a word: which of them depends on what else goes on. */
const turnedAway = new Set(['rejected auth_timeout', 'rejected over_capacity', 'cut']);

export const flood: Scenario = {
  name: 'flood',
  does: `opens ${connectionsAtOnce} connections at once and says nothing`,
  expected: ['all turned away'],
  token: 'none',
  sockets: connectionsAtOnce,
  unknown: true,
  pauseMs: 5_000,
  play: (stage) =>
    stage.connectUnknown(connectionsAtOnce, async (connections) => {
      const patienceMs = stage.authDeadlineMs + 15_000;
      const verdicts = await Promise.all(connections.map((connection) => connection.verdict(patienceMs)));
      return verdicts.find((verdict) => !turnedAway.has(verdict)) ?? 'all turned away';
    }),
};
