/** A TCP link that can be cut and frozen: what lies between a service and a part. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Link {
  /** The part's address with this link in between. */
  url: string;
  /** `cut`: connections end and are refused. `frozen`: they stand, and nothing moves on them. */
  set(state: 'whole' | 'cut' | 'frozen'): void;
  close(): Promise<void>;
}

/** Puts a link in front of the part at `url`. */
export async function linkTo(url: string): Promise<Link> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let state: 'whole' | 'cut' | 'frozen' = 'whole';
  const track = (socket: Socket, other: () => Socket | undefined): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other()?.destroy();
    });
  };
  // Not `pipe`: it goes on by itself when the other side has room again, frozen or not.
  const pump = (from: Socket, to: Socket): void => {
    from.on('data', (piece) => {
      if (!to.write(piece)) from.pause();
    });
    to.on('drain', () => {
      if (state !== 'frozen') from.resume();
    });
    from.on('end', () => to.end());
    if (state === 'frozen') from.pause();
  };
  const server = createServer((near) => {
    if (state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    track(near, () => far);
    track(far, () => near);
    pump(near, far);
    pump(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    set: (next) => {
      state = next;
      for (const socket of sockets) {
        if (next === 'cut') socket.destroy();
        else if (next === 'frozen') socket.pause();
        else socket.resume();
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
