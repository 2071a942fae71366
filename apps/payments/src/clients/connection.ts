// One provider's HTTP connections: a keep-alive pool, a deadline over the whole exchange, no redirects, no
// retries, a limit on what is read.

import { errors, Pool } from 'undici';
import { ProviderProtocolError, ProviderUnavailable } from './provider.ts';

/** A request; `path` starts with a slash. */
export type ConnectionRequest = {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** Milliseconds from now until the reply must have been read. */
  timeout: number;
};

/** A reply, read completely. */
export type ConnectionReply = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
};

const MAXIMUM_REPLY_BYTES = 1024 * 1024;

/** Connections to one origin. */
export class Connection {
  readonly #pool: Pool;
  readonly #origin: string;

  /** `apiBase` is scheme, host and port; `connections` bounds how many are open at once. */
  constructor(apiBase: string, connections: number) {
    this.#origin = new URL(apiBase).origin;
    this.#pool = new Pool(this.#origin, { connections, maxResponseSize: MAXIMUM_REPLY_BYTES });
  }

  /**
   * Sends one request. Throws {@link ProviderUnavailable} if no whole reply came in time, and
   * {@link ProviderProtocolError} if it was too large.
   */
  async send(request: ConnectionRequest): Promise<ConnectionReply> {
    const timeout = Math.max(1, Math.ceil(request.timeout));
    try {
      const reply = await this.#pool.request({
        method: request.method,
        path: request.path,
        headers: request.headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: AbortSignal.timeout(timeout),
      });
      return { status: reply.statusCode, headers: reply.headers, body: await reply.body.text() };
    } catch (error) {
      if (error instanceof errors.ResponseExceededMaxSizeError) {
        const message = `${this.#origin} answered with more than ${MAXIMUM_REPLY_BYTES} bytes`;
        throw new ProviderProtocolError(message, { cause: error });
      }
      const late = (error as Error).name === 'TimeoutError';
      const what = late ? `did not answer within ${timeout} ms` : 'could not be reached';
      throw new ProviderUnavailable(`${this.#origin} ${what}`, { cause: error });
    }
  }

  /** Closes idle connections now and the others once they are done. */
  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/** Replies that say nothing about the request itself: try again later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}
