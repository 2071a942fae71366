/**
 * Devices that come and then say nothing: told `{hold: n}` there are n of them, until told another number. Told `{pass: n}`
 * so many others come and go beside them.
 */
import type { Socket } from 'node:net';
import { hangUp, readTokens, shakeHands } from './client.ts';

const tokens = readTokens();
/** Devices that come or go at a time. */
const atOnce = 64;
const sockets: Socket[] = [];

async function hold(wanted: number): Promise<void> {
  const come = Math.max(0, wanted - sockets.length);
  let next = sockets.length;
  const last = next + come;
  const worker = async (): Promise<void> => {
    while (next < last) {
      const token = tokens[next]!;
      next += 1;
      sockets.push(await shakeHands(token));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await Promise.all(sockets.splice(wanted).map(hangUp));
}

async function pass(count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      // From the other end: those that stay are not to be replaced.
      await hangUp(await shakeHands(tokens.at(-1 - (left % atOnce))!));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

process.on('message', (request: { hold: number } | { pass: number } | 'stop') => {
  if (request === 'stop') process.exit(0);
  ('hold' in request ? hold(request.hold) : pass(request.pass)).then(
    () => process.send!({ held: sockets.filter(({ destroyed }) => !destroyed).length }),
    (error: unknown) => process.send!({ failed: String(error) }),
  );
});
process.send!('ready');
