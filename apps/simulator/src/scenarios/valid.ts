/** A device as it should be. */
import type { Scenario } from './scenario.ts';
import { stay } from './stay.ts';

const acknowledgedMs = 5_000;

export const valid: Scenario = {
  name: 'valid',
  does: 'comes with a good token, pings, sends telemetry, and stays until the end',
  expected: ['stayed, all acknowledged'],
  token: 'good',
  sockets: 1,
  lasting: true,
  pauseMs: 5_000,
  play: async (stage) => {
    const connection = await stage.connect();
    const verdict = await connection.present(stage.token);
    if (verdict !== 'accepted') {
      await connection.hangUp();
      return verdict;
    }
    const end = await stay(connection, stage, { milliseconds: stage.left(), rate: stage.rate });
    const all = end === undefined && (await connection.allAcknowledged(acknowledgedMs));
    if (connection.pingWaits > 0) await connection.ponged();
    await connection.hangUp();
    if (end !== undefined) return end;
    return all ? 'stayed, all acknowledged' : 'stayed, not all acknowledged';
  },
};
