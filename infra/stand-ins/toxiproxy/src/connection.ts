/** A client's connection and the one made for it to the upstream, tied together in both directions. */
import { connect, type Socket } from 'node:net';
import type { Address } from './address.ts';
import { Flow, type Traffic } from './flow.ts';
import { asks, answers } from './questions.ts';
import type { RoundTrips } from './round-trips.ts';
import type { Stream, Toxic } from './toxic.ts';

const connectTimeout = 10_000;

/** What a connection needs of its proxy. */
export type ConnectionHost = {
  upstream: Address;
  toxics: (stream: Stream) => readonly Toxic[];
  traffic: Record<Stream, Traffic>;
  roundTrips: RoundTrips;
  onClosed: (connection: Connection) => void;
  /** The upstream could not be reached, or a side broke. */
  onTrouble: (side: 'client' | 'upstream', error: Error) => void;
};

/** Lives until both sockets are closed. No error of a socket leaves it. */
export class Connection {
  readonly flows: Record<Stream, Flow>;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #host: ConnectionHost;
  #open = 2;
  #connected = false;
  /** When the question that is not answered yet was asked; 0: none. */
  #askedAt = 0;
  #isAmqp: boolean | undefined;

  /** `client` must be paused: it is read from once the upstream is connected. */
  constructor(client: Socket, host: ConnectionHost) {
    this.#client = client;
    this.#host = host;
    const upstream = connect({ ...host.upstream, allowHalfOpen: true, noDelay: true });
    this.#upstream = upstream;
    // Only while connecting: an established connection may be silent for ever.
    upstream.setTimeout(connectTimeout, () => upstream.destroy(new Error('connect timed out')));
    upstream.once('connect', () => {
      upstream.setTimeout(0);
      this.#connected = true;
      client.resume();
    });
    this.#watch(client, upstream, 'client');
    this.#watch(upstream, client, 'upstream');
    const reset = (): void => this.reset();
    this.flows = {
      upstream: new Flow(
        client,
        upstream,
        {
          traffic: host.traffic.upstream,
          onReceived: (chunk) => this.#onQuestion(chunk),
          onSent: () => undefined,
          reset,
        },
        host.toxics('upstream'),
      ),
      downstream: new Flow(
        upstream,
        client,
        {
          traffic: host.traffic.downstream,
          onReceived: () => undefined,
          onSent: (chunk) => this.#onAnswer(chunk),
          reset,
        },
        host.toxics('downstream'),
      ),
    };
  }

  /** Closes both sides at once, as a process that ends does. */
  close(): void {
    this.#client.destroy();
    this.#upstream.destroy();
  }

  /** Resets both sides (RST). */
  reset(): void {
    this.#client.resetAndDestroy();
    this.#upstream.resetAndDestroy();
  }

  #watch(socket: Socket, other: Socket, side: 'client' | 'upstream'): void {
    socket.on('error', (error) => {
      this.#host.onTrouble(side, error);
      // A reset goes on as a reset; a client whose upstream is not there is closed, as by the real one.
      if (this.#connected) other.resetAndDestroy();
      else other.destroy();
    });
    socket.once('close', () => {
      this.#open -= 1;
      if (this.#open === 0) this.#host.onClosed(this);
    });
  }

  #onQuestion(chunk: Buffer): void {
    this.#isAmqp ??= chunk.subarray(0, 4).equals(amqpHeader);
    if (this.#askedAt === 0 && (!this.#isAmqp || asks(chunk))) this.#askedAt = performance.now();
  }

  #onAnswer(chunk: Buffer): void {
    if (this.#askedAt === 0 || (this.#isAmqp === true && !answers(chunk))) return;
    const now = performance.now();
    this.#host.roundTrips.add(now - this.#askedAt, now);
    this.#askedAt = 0;
  }
}

const amqpHeader = Buffer.from('AMQP');
