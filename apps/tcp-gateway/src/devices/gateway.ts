/** The listener on which devices connect, and what goes on beside the connections: the clock, acknowledgements, the end. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { DeviceSessions } from '@ballast/contracts';
import { defect } from '@ballast/faults';
import type { Report } from '@ballast/service';
import { AttemptLimit } from '../domain/attempt-limit.ts';
import { Deadlines } from '../domain/deadlines.ts';
import { AdmissionCounter, type AdmissionLimits } from './admission.ts';
import { Connection } from './connection.ts';
import { SessionTable } from './session-table.ts';
import type { Shared } from './shared.ts';
import type { TlsMaterial } from './tls.ts';

export interface GatewayOptions extends Pick<Shared, 'judge' | 'revocations' | 'counts' | 'limits' | 'tell'> {
  admission: AdmissionLimits;
  attempts: { burst: number; perMinute: number };
  /** Without it devices speak in the clear. */
  tls: TlsMaterial | undefined;
  report: Report;
}

export interface Gateway {
  /** Rejects when the port cannot be had. `shared` lets other processes listen on it too. */
  listen(options: { host: string; port: number; shared: boolean }): Promise<void>;
  readonly port: number;
  readonly listening: boolean;
  readonly sessions: number;
  readonly unauthenticated: number;
  /** Sessions have begun at another process: ends those of the same devices here that are older, and tells of those that are newer. */
  begunElsewhere(items: DeviceSessions['items']): void;
  /** Tells the other processes of every session there is. */
  tellAll(): void;
  /** Takes no more connections, tells all `closing shutdown`, and resolves when their sockets are gone: a second and a half at most. */
  drain(): Promise<void>;
}

/** How late a deadline may be met, in ms. */
const resolutionMs = 100;
const acknowledgeEveryMs = 1_000;
const sweepEveryMs = 10_000;
/** Connections the kernel keeps until they are taken: a reconnect storm must not be turned away by it. */
const backlog = 4_096;
const drainMs = 1_500;

/** Builds the gateway; it takes no connection before `listen`. */
export function createGateway(options: GatewayOptions): Gateway {
  const { counts, report } = options;
  const admission = new AdmissionCounter(options.admission);
  const shared: Shared = {
    ...options,
    admission,
    table: new SessionTable(),
    attempts: new AttemptLimit(options.attempts),
    deadlines: new Deadlines(resolutionMs, performance.now()),
    owed: new Set(),
  };
  const sockets = new Map<Socket, Connection>();
  const timers: NodeJS.Timeout[] = [];
  let draining = false;

  const turnedAway = (): void => {
    counts.attempt();
    counts.reject('over_capacity', null);
  };
  const come = (socket: Socket): void => {
    const address = socket.remoteAddress;
    // Gone already.
    if (address === undefined || draining) return void socket.destroy();
    const answer = admission.come(address);
    if (answer === 'cut') {
      turnedAway();
      socket.destroy();
      return;
    }
    const connection = new Connection(shared, socket, address, answer, performance.now());
    sockets.set(socket, connection);
    attach(socket, connection, () => sockets.delete(socket));
    connection.begin();
  };
  const server = options.tls === undefined ? createServer({ noDelay: true }, come) : secureServer(options.tls, come);
  // Counted from the handshake on, but bounded from the first moment.
  if (options.tls !== undefined) server.maxConnections = options.admission.connections + handshakesAbove;
  server.on('drop', () => turnedAway());
  server.on('error', (error) => report('the listener for devices is in trouble', error));

  const every = (milliseconds: number, work: () => void): void => {
    timers.push(setInterval(work, milliseconds).unref());
  };
  const acknowledge = (): void => {
    for (const connection of shared.owed) connection.acknowledge();
    shared.owed.clear();
  };

  const { table, tell } = shared;

  return {
    begunElsewhere: (items) => {
      for (const { deviceId, sessionId } of items) {
        const here = table.get(deviceId);
        if (here === undefined || here.sessionId === sessionId) continue;
        // The ids alone decide, so the other process, which sees the same two, never ends the other one as well.
        if (sessionId < here.sessionId) tell.session({ deviceId, sessionId: here.sessionId });
        else if (!defect('gateway.keeps-elsewhere')) here.close('replaced');
      }
    },
    tellAll: () => {
      for (const [deviceId, { sessionId }] of table.entries()) tell.session({ deviceId, sessionId });
    },
    listen: async ({ host, port, shared: reusePort }) => {
      await listening(server, { host, port, backlog, reusePort });
      // After what has arrived was read: a process that stood still must not take devices for silent that were not.
      every(resolutionMs, () => setImmediate(() => shared.deadlines.advance(performance.now())));
      every(acknowledgeEveryMs, acknowledge);
      every(sweepEveryMs, () => shared.attempts.sweep(performance.now()));
    },
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? 0;
    },
    get listening() {
      return server.listening && !draining;
    },
    get sessions() {
      return shared.table.size;
    },
    get unauthenticated() {
      return admission.unauthenticated;
    },
    drain: async () => {
      draining = true;
      const gone = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      acknowledge();
      for (const connection of sockets.values()) connection.close('shutdown');
      const impatience = setTimeout(() => {
        for (const connection of sockets.values()) connection.destroy();
      }, drainMs);
      await gone;
      // The listener has counted them out a moment before they say so themselves.
      while (sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
      clearTimeout(impatience);
      for (const timer of timers) clearInterval(timer);
    },
  };
}

/** An error is always followed by `close`, and says nothing that the device's end does not. */
function ignore(): void {}

function attach(socket: Socket, connection: Connection, forget: () => void): void {
  socket.on('data', (piece: Buffer) => connection.received(piece));
  socket.on('drain', () => connection.drained());
  socket.on('error', ignore);
  socket.on('close', () => {
    forget();
    connection.closed();
  });
}

/** Until a TLS handshake is done, in ms. */
const handshakeMs = 5_000;
/** Sockets above the limit of connections that may be shaking hands. */
const handshakesAbove = 500;

function secureServer({ context, asksDevices }: TlsMaterial, come: (socket: Socket) => void): Server {
  const server = createTlsServer(
    {
      ...context,
      requestCert: asksDevices,
      rejectUnauthorized: asksDevices,
      handshakeTimeout: handshakeMs,
      noDelay: true,
    },
    come,
  );
  // Whoever cannot speak TLS, or shows no good certificate: nothing was attempted yet.
  server.on('tlsClientError', (_error, socket) => void socket.destroy());
  return server;
}

function listening(
  server: Server,
  options: { host: string; port: number; backlog: number; reusePort: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
