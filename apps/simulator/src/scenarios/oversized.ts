/** Devices that say too much. */
import { deviceTokenLimit, lineLimitBytes } from '@ballast/contracts';
import type { Scenario } from './scenario.ts';

/** A line that does not end, and a token longer than any. */
const firstLines = [
  `{"type":"auth","token":"${'a'.repeat(lineLimitBytes)}`,
  `{"type":"auth","token":"${'a'.repeat(deviceTokenLimit + 1)}"}\n`,
];

export const oversized: Scenario = {
  name: 'oversized',
  does: 'a first line above 64 KiB, or a token above 2,048 characters',
  expected: ['rejected too_long'],
  token: 'none',
  sockets: 1,
  pauseMs: 5_000,
  play: async (stage) => {
    const connection = await stage.connect();
    connection.write(firstLines[stage.round % firstLines.length]!);
    const verdict = await connection.verdict();
    await connection.hangUp();
    return verdict;
  },
};
