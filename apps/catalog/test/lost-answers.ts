/** A wire to PostgreSQL on which a test can lose the answer to a statement that has been carried out. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface LossyWire {
  /** Address of the database by this wire. */
  url: string;
  /**
   * The first connection that sends these texts one after the other breaks when the server has answered the last of
   * them, before the answer is handed on; for `awayMs` after that no new one is let in. Resolves once it is lost.
   */
  loseAnswerTo(texts: readonly string[], awayMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a wire to the PostgreSQL at `target`. */
export async function openLossyWire(target: string): Promise<LossyWire> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let waiting: { texts: readonly string[]; awayMs: number; lost: () => void } | undefined;
  let awayUntil = 0;
  const server = createServer((near) => {
    if (performance.now() < awayUntil) return void near.destroy();
    const far = connect(Number(port), hostname);
    let losing: typeof waiting;
    let seen = { of: waiting, count: 0 };
    const end = (): void => {
      for (const socket of [near, far]) {
        sockets.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // Whoever resets a connection has ended it: `close` follows.
      socket.on('error', () => undefined);
      socket.on('close', end);
    }
    near.on('data', (bytes) => {
      if (seen.of !== waiting) seen = { of: waiting, count: 0 };
      if (waiting !== undefined && bytes.includes(waiting.texts[seen.count]!)) seen.count += 1;
      if (waiting !== undefined && seen.count === waiting.texts.length) {
        losing = waiting;
        waiting = undefined;
      }
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (losing === undefined) return void near.write(bytes);
      awayUntil = performance.now() + losing.awayMs;
      losing.lost();
      end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    loseAnswerTo: (texts, awayMs = 0) =>
      new Promise((lost) => {
        waiting = { texts, awayMs, lost };
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
