/** One proxy: a port that is listened on, an upstream, its connections and their toxics. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { formatAddress, parseAddress } from './address.ts';
import { Connection } from './connection.ts';
import { ApiError, badRequest, errors } from './errors.ts';
import type { Traffic } from './flow.ts';
import { RoundTrips } from './round-trips.ts';
import type { Attributes } from './stage.ts';
import { type Stream, streams, type Toxic } from './toxic.ts';

/** How a proxy is made. */
export type ProxySettings = { name: string; listen: string; upstream: string; enabled: boolean };

/** What the API shows of it. */
export type ProxyListing = ProxySettings & { toxics: readonly Toxic[] };

/** A side of a connection broke, or the upstream could not be reached. */
export type OnTrouble = (trouble: { proxy: string; side: string; error: string }) => void;

const maximumConnections = 10_000;
const maximumToxics = 100;

export class Proxy {
  readonly name: string;
  /** As it was asked for: `localhost:0`. */
  #asked: string;
  /** As it is: `127.0.0.1:40123`. */
  #listen: string;
  #upstream: string;
  #server: Server | undefined;
  readonly #toxics: Toxic[] = [];
  readonly #connections = new Set<Connection>();
  readonly #onTrouble: OnTrouble;
  readonly traffic: Record<Stream, Traffic> = {
    upstream: { received: 0, sent: 0 },
    downstream: { received: 0, sent: 0 },
  };
  readonly roundTrips = new RoundTrips();

  /** @throws ApiError when an address is none. */
  constructor({ name, listen, upstream }: ProxySettings, onTrouble: OnTrouble) {
    requireAddresses(listen, upstream);
    this.name = name;
    this.#asked = listen;
    this.#listen = listen;
    this.#upstream = upstream;
    this.#onTrouble = onTrouble;
  }

  get enabled(): boolean {
    return this.#server !== undefined;
  }

  get listen(): string {
    return this.#listen;
  }

  get upstream(): string {
    return this.#upstream;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Those of upstream first, as in the real one. */
  get toxics(): readonly Toxic[] {
    return streams.flatMap((stream) => this.#of(stream));
  }

  describe(): ProxyListing {
    const { name, listen, upstream, enabled, toxics } = this;
    return { name, listen, upstream, enabled, toxics };
  }

  /** True when it listens and leads where it is told to. */
  isAt(listen: string, upstream: string): boolean {
    return [this.#asked, this.#listen].includes(listen) && this.#upstream === upstream;
  }

  /** Listens. @throws ApiError when that cannot be. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    // Empty means every address, which Node has no name for.
    const { host, port } = parseAddress(this.#listen) ?? { host: '', port: 0 };
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
      const connection = new Connection(client, {
        upstream: parseAddress(this.#upstream) ?? { host: '', port: 0 },
        toxics: (stream) => this.#of(stream),
        traffic: this.traffic,
        roundTrips: this.roundTrips,
        onClosed: (closed) => this.#connections.delete(closed),
        onTrouble: (side, error) => this.#onTrouble({ proxy: this.name, side, error: error.message }),
      });
      this.#connections.add(connection);
    });
    server.maxConnections = maximumConnections;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen({ port, backlog: 511, ...(host === '' ? {} : { host }) }, resolve);
    try {
      await promise;
    } catch (error) {
      throw new ApiError(400, `listen tcp ${this.#listen}: ${(error as Error).message}`);
    }
    server.off('error', reject);
    server.on('error', (error) => this.#onTrouble({ proxy: this.name, side: 'listener', error: error.message }));
    const { address, port: actual } = server.address() as AddressInfo;
    this.#listen = formatAddress({ host: address, port: actual });
    this.#server = server;
  }

  /** Closes every connection and refuses new ones. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    for (const connection of this.#connections) connection.close();
    await promise;
  }

  /** Changes what is given. Another address closes its connections; toxics stay. @throws ApiError */
  async update(change: Omit<ProxySettings, 'name'>): Promise<void> {
    if (!this.isAt(change.listen, change.upstream)) {
      requireAddresses(change.listen, change.upstream);
      await this.stop();
      this.#asked = change.listen;
      this.#listen = change.listen;
      this.#upstream = change.upstream;
    }
    if (change.enabled) await this.start();
    else await this.stop();
  }

  /** @throws ApiError 404 */
  toxic(name: string): Toxic {
    const found = this.#toxics.find((toxic) => toxic.name === name);
    if (found === undefined) throw errors.toxicNotFound();
    return found;
  }

  /** Puts a toxic at the end of every chain, in connections that are there as in those to come. @throws ApiError 409 */
  addToxic(toxic: Toxic): void {
    if (this.#toxics.some(({ name }) => name === toxic.name)) throw errors.toxicExists();
    if (this.#toxics.length >= maximumToxics) throw badRequest(`a proxy has at most ${maximumToxics} toxics`);
    this.#toxics.push(toxic);
    for (const { flows } of this.#connections) flows[toxic.stream].chain.add(toxic);
  }

  updateToxic(toxic: Toxic, attributes: Attributes, toxicity: number): void {
    const redraw = toxic.toxicity !== toxicity;
    toxic.attributes = attributes;
    toxic.toxicity = toxicity;
    for (const { flows } of this.#connections) flows[toxic.stream].chain.update(toxic, redraw);
  }

  /** Removes it everywhere; what it held back goes on. */
  removeToxic(toxic: Toxic): void {
    this.#toxics.splice(this.#toxics.indexOf(toxic), 1);
    for (const { flows } of this.#connections) flows[toxic.stream].chain.remove(toxic);
  }

  #of(stream: Stream): Toxic[] {
    return this.#toxics.filter((toxic) => toxic.stream === stream);
  }
}

function requireAddresses(listen: string, upstream: string): void {
  if (parseAddress(listen) === undefined) throw new ApiError(400, `address ${listen}: it must be host:port`);
  const target = parseAddress(upstream);
  if (target === undefined || target.host === '' || target.port === 0) {
    throw new ApiError(400, `address ${upstream}: it must be host:port`);
  }
}
