/** A device whose every byte comes in a piece of its own: slow, and nothing wrong with it. */
import type { Scenario } from './scenario.ts';

const answered = 'accepted, and its ping answered';
const ping = Buffer.from('{"type":"ping"}\r\n');

export const byteByByte: Scenario = {
  name: 'byte_by_byte',
  does: 'sends a good token, and then a ping, one byte at a time',
  expected: [answered],
  token: 'good',
  sockets: 1,
  pauseMs: 5_000,
  play: async (stage) => {
    const connection = await stage.connect();
    await connection.writeSingly(Buffer.from(`${JSON.stringify({ type: 'auth', token: stage.token })}\n`));
    const verdict = await connection.verdict();
    let outcome = verdict;
    if (verdict === 'accepted') {
      connection.pinged();
      await connection.writeSingly(ping);
      outcome = (await connection.ponged()) ? answered : (connection.end ?? 'no pong');
    }
    await connection.hangUp();
    return outcome;
  },
};
