/** Devices that say what is no first line. */
import { randomBytes } from 'node:crypto';
import type { Scenario } from './scenario.ts';

/** Each device begins with another one and goes on to the next. */
const firstLines: readonly (() => string | Uint8Array)[] = [
  () => 'GET / HTTP/1.1\r\n',
  () => '{"type":"auth","token":\n',
  () => '{"type":"auth","token":"not.a.token!"}\n',
  () => '{"type":"auth","token":"e30.e30"}\n',
  () => '{"type":"auth","token":42}\n',
  () => '{"type":"ping"}\n',
  () => '{"type":"telemetry","sentAt":"2026-01-01T00:00:00Z","readings":{}}\n',
  () => '[]\n',
  () => '\n',
  () => Buffer.concat([Buffer.from('{"type":"auth","token":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]),
  () => Buffer.concat([Buffer.from([0x16, 0x03, 0x01]), randomBytes(200), Buffer.from('\n')]),
];

export const malformed: Scenario = {
  name: 'malformed',
  does: 'begins with HTTP, TLS, half JSON, no UTF-8, another frame, no token, …',
  expected: ['rejected malformed'],
  token: 'none',
  sockets: 1,
  pauseMs: 5_000,
  play: async (stage) => {
    const first = Math.floor(stage.random() * firstLines.length);
    const connection = await stage.connect();
    connection.write(firstLines[(first + stage.round) % firstLines.length]!());
    const verdict = await connection.verdict();
    await connection.hangUp();
    return verdict;
  },
};
