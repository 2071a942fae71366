/** A catalog of one product on a real socket: counts what reaches it, and answers as its mood says. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/**
 * `well`: 200. `error`: 500. `reset`: the connection breaks once the request is there. `gone`: nobody listens.
 */
export type Mood = 'well' | 'error' | 'reset' | 'gone';

export interface MoodyCatalog {
  url: string;
  /** Requests for products that have arrived so far; probes of its health are not counted. */
  readonly arrived: number;
  /** Holds what it would answer, or break, until the function it returns is called. */
  hold(): () => void;
  setMood(mood: Mood): Promise<void>;
  close(): Promise<void>;
}

/** Path of the product it has. */
export const productPath = '/api/products/0198c0de-0000-7000-8000-000000000001';

const product = JSON.stringify({ productId: '0198c0de-0000-7000-8000-000000000001', name: 'A kettle' });

/** Starts one on a free port, in a good mood. */
export async function moodyCatalog(): Promise<MoodyCatalog> {
  const sockets = new Set<Socket>();
  let mood: Mood = 'well';
  let arrived = 0;
  let held: Promise<void> = Promise.resolve();
  let server: Server | null = null;

  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      const isProbe = request.url === '/healthz';
      if (!isProbe) arrived += 1;
      void (isProbe ? Promise.resolve() : held).then(() => {
        if (mood === 'reset') request.socket.destroy();
        else answer(response, mood === 'well' || isProbe);
      });
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const leave = async (): Promise<void> => {
    if (server === null) return;
    const closing = server;
    server = null;
    closing.close();
    for (const socket of sockets) socket.destroy();
    await once(closing, 'close');
  };

  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}`,
    get arrived() {
      return arrived;
    },
    hold: () => {
      const gate = Promise.withResolvers<void>();
      held = gate.promise;
      return gate.resolve;
    },
    setMood: async (next) => {
      mood = next;
      if (next === 'gone') await leave();
      else if (server === null) await listen(port);
    },
    close: leave,
  };
}

function answer(response: ServerResponse, well: boolean): void {
  response.writeHead(well ? 200 : 500, { 'content-type': 'application/json', 'x-instance': 'catalog', etag: '"1"' });
  response.end(well ? product : '{}');
}
