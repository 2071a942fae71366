/**
 * One direction of one connection: from a socket to the other, straight or through a chain of toxics. What it holds is
 * bounded: past the limit the sender is not read from, and TCP makes it wait.
 */
import type { Socket } from 'node:net';
import { Chain } from './chain.ts';
import type { Host, Receiver } from './stage.ts';
import type { Toxic } from './toxic.ts';

/** Bytes that toxics hold back in one direction of one connection, before the sender has to wait. */
export const heldLimit = 1 << 20;

/** Bytes of one direction of a proxy, over all its connections. */
export type Traffic = { received: number; sent: number };

/** What a flow tells, and asks, of its connection. */
export type FlowHost = {
  traffic: Traffic;
  /** A chunk came from the sender. */
  onReceived: (chunk: Buffer) => void;
  /** A chunk is being written to the receiver. */
  onSent: (chunk: Buffer) => void;
  reset: () => void;
};

export class Flow implements Host, Receiver {
  readonly chain: Chain;
  readonly #source: Socket;
  readonly #destination: Socket;
  readonly #host: FlowHost;
  #held = 0;
  #over = false;

  constructor(source: Socket, destination: Socket, host: FlowHost, toxics: readonly Toxic[]) {
    this.#source = source;
    this.#destination = destination;
    this.#host = host;
    this.chain = new Chain(this, this, toxics);
    source.on('data', (chunk: Buffer) => {
      host.traffic.received += chunk.length;
      host.onReceived(chunk);
      (this.chain.first ?? this).push(chunk);
    });
    source.on('end', () => (this.chain.first ?? this).end(false));
    destination.on('drain', () => this.#goOn());
    destination.on('close', () => this.#dispose());
  }

  /** At the end of the chain: to the receiver. */
  push(chunk: Buffer): void {
    if (this.#over) return;
    this.#host.traffic.sent += chunk.length;
    this.#host.onSent(chunk);
    if (!this.#destination.write(chunk)) this.#source.pause();
  }

  /** The receiver learns that nothing follows, and may still answer; or, `closing`, the connection ends. */
  end(closing: boolean): void {
    this.#over = true;
    if (closing) {
      this.#destination.destroySoon();
      this.#source.destroy();
    } else {
      this.#destination.end();
    }
  }

  hold(bytes: number): void {
    this.#held += bytes;
    if (bytes < 0) this.#goOn();
    else if (this.#held + this.#destination.writableLength > heldLimit) this.#source.pause();
  }

  reset(): void {
    this.#over = true;
    this.#host.reset();
  }

  #goOn(): void {
    if (!this.#source.isPaused() || this.#source.destroyed) return;
    if (this.#held <= heldLimit / 2 && !this.#destination.writableNeedDrain) this.#source.resume();
  }

  #dispose(): void {
    this.#over = true;
    this.chain.dispose();
  }
}
