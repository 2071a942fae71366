/** A wire to Redis that a test can cut, so that everybody notices, or freeze, so that nobody does. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Link {
  /** Address of Redis by this wire. */
  url: string;
  /** Ends all connections and takes no new ones. */
  cut(): void;
  /** Connections stay open, and nothing goes through any more; new ones are taken and get no answer. */
  freeze(): void;
  /** Undoes both; what was held back goes on. */
  heal(): void;
  close(): Promise<void>;
}

/** Opens a wire to the Redis at `target`. */
export async function openLink(target: string): Promise<Link> {
  const { hostname, port } = new URL(target);
  let state: 'whole' | 'cut' | 'frozen' = 'whole';
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    if (state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [pair, [far, near] as const]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => to.write(bytes));
      from.on('close', end);
      // Whoever resets a connection has ended it: `close` follows.
      from.on('error', () => undefined);
      if (state === 'frozen') from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const endAll = (): void => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    url: url.href,
    cut: () => {
      state = 'cut';
      endAll();
    },
    freeze: () => {
      state = 'frozen';
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    heal: () => {
      state = 'whole';
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    close: async () => {
      endAll();
      server.close();
      await once(server, 'close');
    },
  };
}
