/** A line between a service and a part that can be cut: plain TCP, in this process. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Relay {
  /** The part's URL, by way of the relay. */
  url: string;
  /** Breaks all connections and takes no more. */
  cut(): Promise<void>;
  /** Takes connections again, on the same port. */
  restore(): Promise<void>;
}

/** Opens a relay to the part at `target`. */
export async function openRelay(target: string): Promise<Relay> {
  const part = new URL(target);
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;
  const restore = async (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(Number(part.port), part.hostname);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      }
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  await restore();
  const url = new URL(target);
  url.port = String(port);
  return {
    url: url.href,
    cut: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    restore,
  };
}
