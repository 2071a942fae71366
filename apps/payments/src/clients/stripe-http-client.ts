// Stripe's SDK over our own connections. The SDK's Node client repeats a call whose connection was closed
// even with retries off, and its timeout starts anew with every byte; this one does neither.

import { Stripe } from 'stripe';
import { isTransient, type Connection, type ConnectionReply } from './connection.ts';
import { ProviderUnavailable } from './provider.ts';

/** An `httpClient` for `new Stripe(…)`. */
export class StripeHttpClient extends Stripe.HttpClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    super();
    this.#connection = connection;
  }

  override getClientName(): string {
    return 'undici';
  }

  /** The SDK passes on any error thrown here as a `StripeConnectionError`, with ours as its `detail`. */
  override async makeRequest(
    _host: string,
    _port: string,
    path: string,
    method: string,
    headers: Record<string, string | number | string[] | null | undefined>,
    requestData: string,
    _protocol: string,
    timeout: number,
  ): Promise<InstanceType<typeof Stripe.HttpClientResponse>> {
    const reply = await this.#connection.send({
      method: method === 'GET' ? 'GET' : 'POST',
      path,
      headers: plainHeaders(headers),
      ...(method === 'GET' ? {} : { body: requestData }),
      timeout,
    });
    // Decided by status before the body is looked at: a gateway's error page is not JSON.
    if (isTransient(reply.status)) {
      throw new ProviderUnavailable(`Stripe answered ${reply.status}`);
    }
    return new BufferedResponse(reply);
  }
}

class BufferedResponse extends Stripe.HttpClientResponse {
  readonly #reply: ConnectionReply;

  constructor(reply: ConnectionReply) {
    super(reply.status, plainHeaders(reply.headers));
    this.#reply = reply;
  }

  override getRawResponse(): unknown {
    return { statusCode: this.#reply.status };
  }

  override async toJSON(): Promise<unknown> {
    return JSON.parse(this.#reply.body) as unknown;
  }
}

function plainHeaders(headers: Record<string, string | number | string[] | null | undefined>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== null && value !== undefined) plain[name] = String(value);
  }
  return plain;
}
