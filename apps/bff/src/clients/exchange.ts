/**
 * One request on one connection. Speaks undici's `dispatch` interface directly: it costs about half of what
 * `request` does, and it tells whether anything had been sent when something went wrong, which decides what
 * may be tried again.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Replica } from './replicas.ts';

/** A whole answer. */
export interface UpstreamResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Where the bytes of an open stream go. Exactly one of `end` and `fail` is called, last. */
export interface StreamSink {
  data(chunk: Buffer): void;
  end(): void;
  fail(error: Error): void;
}

/** The answer was larger than the bff takes. */
export class ResponseTooLarge extends Error {
  constructor(limitBytes: number) {
    super(`the answer is larger than ${limitBytes} bytes`);
    this.name = 'ResponseTooLarge';
  }
}

/** Who started the exchange and is told how it went, once. */
export interface ExchangeOwner {
  /** Asked just before the first byte is written; a call may have waited for a connection until then. */
  maySend(exchange: Exchange): boolean;
  answered(exchange: Exchange, response: UpstreamResponse): void;
  /** Headers of a stream have arrived; it is paused until `stream` is called. */
  opened(exchange: Exchange, status: number, headers: IncomingHttpHeaders): void;
  failed(exchange: Exchange, error: Error): void;
}

const noBytes = Buffer.alloc(0);

/** undici's handler for one attempt of a call. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly replica: Replica;
  /** False as long as not one byte of the request has been written. */
  sent = false;
  readonly #owner: ExchangeOwner;
  readonly #limitBytes: number;
  /** Whether a 200 is to be handed over as a stream. */
  readonly #streaming: boolean;
  #controller: Dispatcher.DispatchController | null = null;
  #cancelled: Error | null = null;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #first: Buffer | null = null;
  #more: Buffer[] | null = null;
  #length = 0;
  #open = false;
  #sink: StreamSink | null = null;
  #broken: Error | null = null;

  constructor(replica: Replica, owner: ExchangeOwner, limitBytes: number, streaming: boolean) {
    this.replica = replica;
    this.#owner = owner;
    this.#limitBytes = limitBytes;
    this.#streaming = streaming;
  }

  /** Ends it, now or as soon as it would begin. The owner hears of it by `failed`, a stream by `fail`. */
  cancel(reason: Error): void {
    this.#cancelled = reason;
    this.#controller?.abort(reason);
  }

  /** Lets an open stream flow into `sink`. */
  stream(sink: StreamSink): void {
    this.#sink = sink;
    if (this.#broken === null) this.#controller?.resume();
    else sink.fail(this.#broken);
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Called just before writing: a call that was given up while it queued never goes out.
    if (this.#cancelled === null && this.#owner.maySend(this)) this.sent = true;
    else controller.abort(this.#cancelled ?? new Error('it is not to be sent any more'));
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (!this.#streaming || status !== 200) return;
    this.#open = true;
    controller.pause();
    this.#owner.opened(this, status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#open) {
      this.#sink?.data(chunk);
      return;
    }
    this.#length += chunk.length;
    if (this.#length > this.#limitBytes) {
      controller.abort(new ResponseTooLarge(this.#limitBytes));
    } else if (this.#first === null) {
      this.#first = chunk;
    } else {
      this.#more ??= [this.#first];
      this.#more.push(chunk);
    }
  }

  onResponseEnd(): void {
    if (this.#open) {
      this.#sink?.end();
      return;
    }
    const body = this.#more === null ? (this.#first ?? noBytes) : Buffer.concat(this.#more, this.#length);
    this.#owner.answered(this, { status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.#open) {
      this.#owner.failed(this, error);
    } else {
      this.#broken = error;
      this.#sink?.fail(error);
    }
  }
}
