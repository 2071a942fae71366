/** How a device stays: it pings three times as often as it has to, and tells what it measures. */
import type { Connection } from '../devices/connection.ts';
import type { Stage } from './scenario.ts';

/** A ping without an answer for so long is a finding, in ms. */
const pongMs = 5_000;
/** Frames are sent this often at the most, in ms; at a higher rate several at once. */
const tickMs = 20;
/** Of what a thread could not send in time, as many frames at once. */
const catchUp = 100;

/**
 * Stays for some time (ms), with `rate` telemetry frames a second, or until the run is broken off. Answers how the session
 * ended; undefined where it goes on.
 */
export async function stay(
  connection: Connection,
  stage: Pick<Stage, 'random' | 'stopped'>,
  { milliseconds, rate }: { milliseconds: number; rate: number },
): Promise<string | undefined> {
  const end = performance.now() + milliseconds;
  const pingEvery = connection.heartbeatMs / 3;
  const frameEvery = rate === 0 ? Number.POSITIVE_INFINITY : 1_000 / rate;
  let nextPing = performance.now() + pingEvery * stage.random();
  let nextFrame = performance.now() + Math.min(frameEvery, 60_000) * stage.random();
  for (;;) {
    const now = performance.now();
    if (connection.end !== undefined) return connection.end;
    if (connection.pingWaits > pongMs) return 'no pong';
    if (now >= end || stage.stopped()) return undefined;
    if (now >= nextPing) {
      if (connection.pingWaits === 0) connection.ping();
      nextPing = now + pingEvery;
    }
    for (let sent = 0; rate > 0 && now >= nextFrame; nextFrame += frameEvery) {
      sent += 1;
      if (sent > catchUp || !connection.sendTelemetry({ temperature: 20 + stage.random(), load: stage.random() }))
        nextFrame = now;
    }
    const next = Math.min(end, nextPing, Math.max(nextFrame, now + tickMs));
    await connection.endWithin(Math.max(1, next - now), () => stage.stopped());
  }
}
