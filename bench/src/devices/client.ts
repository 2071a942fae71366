/** A device, seen from its own end. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Tokens of as many devices, from the file that the parent has written. */
export function readTokens(): string[] {
  return readFileSync(process.env['TOKENS_FILE']!, 'utf8').split('\n');
}

/** Connects and shows a token; resolves with the open socket once the device is let in, rejects when it is not. */
export async function shakeHands(token: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(process.env['TCP_PORT']), noDelay: true });
  socket.write(`{"type":"auth","token":"${token}"}\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  // One short line, which comes in one piece.
  if (!answer.toString().startsWith('{"type":"accepted"')) throw new Error(`not let in: ${answer.toString()}`);
  return socket;
}

/** Hangs up, and waits until the other side has, too. */
export async function hangUp(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.end();
  await closed;
}
