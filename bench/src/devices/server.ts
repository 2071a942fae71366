/**
 * What the gateway is compared with: a server on `node:net` that speaks its protocol and does nothing else. No limits, no
 * deadlines, no revocations, no events, no counts; a line is whatever ends with a line's end, however long.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { listening } from '../http/server.ts';

/** Whose token it is and until when, in seconds since the epoch; rejects for a token that is no good. */
export type Verify = (token: string) => Promise<{ sub: string; exp: number }>;

/** Listens on a free port and tells the parent. */
export function serveDevices(verify: Verify): void {
  const sessions = new Map<string, Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    let rest = '';
    let device: string | undefined;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const frame = JSON.parse(line) as { type: string; token: string };
        if (frame.type === 'ping') socket.write('{"type":"pong"}\n');
        else if (frame.type === 'auth') void letIn(frame.token);
      }
    });
    const letIn = async (token: string): Promise<void> => {
      try {
        const { sub, exp } = await verify(token);
        device = sub;
        sessions.get(sub)?.destroy();
        sessions.set(sub, socket);
        const expiresAt = new Date(exp * 1_000).toISOString();
        const accepted = { type: 'accepted', sessionId: randomUUID(), expiresAt, heartbeatSeconds: 30 };
        socket.write(`${JSON.stringify(accepted)}\n`);
      } catch {
        socket.end('{"type":"rejected","reason":"bad_signature"}\n');
      }
    };
    socket.on('error', () => {
      // 'close' follows.
    });
    socket.on('close', () => {
      if (device !== undefined && sessions.get(device) === socket) sessions.delete(device);
    });
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => {
    listening(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}

/** The issuer's keys. */
export async function jwks(): Promise<{ keys: (Record<string, string> & { kid: string })[] }> {
  const answer = await fetch(`${process.env['IDENTITY_URL']!}/.well-known/jwks.json`);
  return (await answer.json()) as Awaited<ReturnType<typeof jwks>>;
}
