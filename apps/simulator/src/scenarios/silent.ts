/** A device that connects and says nothing, or only begins to. */
import type { Scenario } from './scenario.ts';

/** The gateway's clock moves in tenths of a second. */
const earlyMs = 100;

export const silent: Scenario = {
  name: 'silent',
  does: 'connects and says nothing, or half a line',
  expected: ['rejected auth_timeout in time'],
  token: 'none',
  sockets: 1,
  unknown: true,
  pauseMs: 5_000,
  play: (stage) =>
    stage.connectUnknown(1, async ([connection]) => {
      if (stage.round % 2 === 1) connection!.write('{"type":"auth",');
      const verdict = await connection!.verdict(stage.authDeadlineMs + 15_000);
      if (verdict !== 'rejected auth_timeout') return verdict;
      if (connection!.verdictMs < stage.authDeadlineMs - earlyMs) return `${verdict} too early`;
      return `${verdict} ${connection!.verdictMs > stage.authDeadlineMs + stage.patienceMs ? 'too late' : 'in time'}`;
    }),
};
