/** Sockets and servers that the tests put before and behind a proxy. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { until } from '@ballast/testing';
import { type Proxy, Toxiproxy, type ToxicDirection, type ToxicType } from 'toxiproxy-node-client';
import { startToxiproxyStandIn } from '../src/index.ts';

/** One end of a connection with everything that happened to it. */
export class Peer {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  length = 0;
  /** Lengths of the pieces it was received in. */
  readonly pieces: number[] = [];
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.pieces.push(chunk.length);
      this.#chunks.push(chunk);
      this.length += chunk.length;
    });
    socket.on('end', () => (this.ended = true));
    socket.on('close', () => (this.closed = true));
    socket.on('error', (error) => (this.error = error));
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  async receives(text: string): Promise<void> {
    await until(`"${text.slice(0, 40)}"`, () => this.text === text);
  }

  /** The other side has closed, or reset, the connection. */
  async closes(): Promise<void> {
    await until('the connection to close', () => this.ended || this.closed);
  }
}

/** A server that records who connects; with `echo` it answers with what it gets. */
export async function startUpstream(
  t: TestContext,
  { echo = false } = {},
): Promise<{ address: string; peers: Peer[] }> {
  const peers: Peer[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const peer = new Peer(socket);
    peers.push(peer);
    if (echo) socket.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const { socket } of peers) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, peers };
}

/** Connects to a `host:port`. */
export async function open(t: TestContext, address: string): Promise<Peer> {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
  t.after(() => socket.destroy());
  const peer = new Peer(socket);
  await once(socket, 'connect');
  return peer;
}

/** A stand-in, the official client for it, and a proxy before an upstream. */
export async function startProxied(t: TestContext, { echo = true } = {}) {
  const upstream = await startUpstream(t, { echo });
  const standIn = await startToxiproxyStandIn();
  t.after(async () => await standIn.close());
  const toxiproxy = new Toxiproxy(standIn.url);
  const proxy = await toxiproxy.createProxy({
    name: 'shop.postgres',
    listen: '127.0.0.1:0',
    upstream: upstream.address,
  });
  return { upstream, standIn, toxiproxy, proxy, connect: async () => await open(t, proxy.listen) };
}

/** Milliseconds the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Adds a toxic under the name the server would choose. */
export async function poison(
  proxy: Proxy,
  type: string,
  stream: ToxicDirection,
  attributes: Record<string, number> = {},
  toxicity = 1,
) {
  // The client's types do not know the extension `drop`.
  return await proxy.addToxic({ name: `${type}_${stream}`, type: type as ToxicType, stream, toxicity, attributes });
}
