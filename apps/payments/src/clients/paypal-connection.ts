// PayPal's REST conventions: OAuth token, JSON, request ids, its error envelope. Knows nothing of payments.

import { Type, type Static } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { isTransient, type Connection, type ConnectionReply } from './connection.ts';
import { ProviderProtocolError, ProviderUnavailable } from './provider.ts';

/** A call; with `requestId` it may be repeated without a second effect. */
export type PayPalCall = {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  requestId?: string;
  headers?: Record<string, string>;
};

/** A reply that is not going to change: success, or a refusal (400, 404, 422) with PayPal's reason. */
export type PayPalReply =
  | { ok: true; status: number; body: unknown }
  | { ok: false; status: number; issue: string; detail: string; debugId: string };

const TokenReply = Compile(
  Type.Object({
    access_token: Type.String({ minLength: 1, maxLength: 4096 }),
    expires_in: Type.Number({ minimum: 1 }),
  }),
);
const ErrorReply = Compile(
  Type.Object({
    name: Type.String(),
    message: Type.Optional(Type.String()),
    debug_id: Type.Optional(Type.String()),
    details: Type.Optional(
      Type.Array(Type.Object({ issue: Type.String(), description: Type.Optional(Type.String()) })),
    ),
  }),
);

/** Calls PayPal. Transient trouble is thrown as ProviderUnavailable, nonsense as ProviderProtocolError. */
export class PayPalConnection {
  readonly #connection: Connection;
  readonly #options: {
    clientId: string;
    clientSecret: string;
    timeoutMilliseconds: number;
    now: () => number;
  };
  #token: { value: string; renewAt: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor(
    connection: Connection,
    options: {
      clientId: string;
      clientSecret: string;
      timeoutMilliseconds: number;
      now: () => number;
    },
  ) {
    this.#connection = connection;
    this.#options = options;
  }

  /** One call, token included, within the timeout. */
  async call(call: PayPalCall): Promise<PayPalReply> {
    // Not the injected clock: a deadline is about real time.
    const deadline = performance.now() + this.#options.timeoutMilliseconds;
    const token = await this.#accessToken(deadline);
    let reply = await this.#send(call, token, deadline);
    if (reply.status === 401) {
      // Revoked early, or PayPal has forgotten it: one new token, one more try.
      if (this.#token?.value === token) this.#token = undefined;
      reply = await this.#send(call, await this.#accessToken(deadline), deadline);
    }
    return judge(reply);
  }

  async #send(call: PayPalCall, token: string, deadline: number): Promise<ConnectionReply> {
    return this.#connection.send({
      method: call.method,
      path: call.path,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        prefer: 'return=representation',
        ...(call.method === 'POST' ? { 'content-type': 'application/json' } : {}),
        ...(call.requestId === undefined ? {} : { 'paypal-request-id': call.requestId }),
        ...call.headers,
      },
      ...(call.method === 'POST' ? { body: JSON.stringify(call.body ?? {}) } : {}),
      timeout: deadline - performance.now(),
    });
  }

  /** The cached token; if there is none, all callers wait for one request. */
  async #accessToken(deadline: number): Promise<string> {
    if (this.#token !== undefined && this.#options.now() < this.#token.renewAt) {
      return this.#token.value;
    }
    this.#asking ??= this.#askForToken().finally(() => {
      this.#asking = undefined;
    });
    return within(this.#asking, deadline);
  }

  async #askForToken(): Promise<string> {
    const { clientId, clientSecret, timeoutMilliseconds, now } = this.#options;
    const credentials = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
    const reply = await this.#connection.send({
      method: 'POST',
      path: '/v1/oauth2/token',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${credentials}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
      timeout: timeoutMilliseconds,
    });
    if (isTransient(reply.status)) {
      throw new ProviderUnavailable(`PayPal answered ${reply.status} when asked for a token`);
    }
    if (reply.status !== 200) {
      throw new ProviderProtocolError(`PayPal answered ${reply.status} when asked for a token`);
    }
    const { access_token: value, expires_in: seconds } = read(TokenReply, parse(reply.body), 'token');
    // A minute early, or a tenth of its life if that is shorter.
    this.#token = { value, renewAt: now() + (seconds - Math.min(60, seconds / 10)) * 1000 };
    return value;
  }
}

/** Checks a body against a compiled schema. Throws ProviderProtocolError naming `what`. */
export function read<Shape extends Validator>(
  schema: Shape,
  body: unknown,
  what: string,
): Static<ReturnType<Shape['Type']>> {
  if (schema.Check(body)) return body as Static<ReturnType<Shape['Type']>>;
  const [error] = schema.Errors(body);
  throw new ProviderProtocolError(
    `PayPal's ${what} is not as documented: ${error?.instancePath ?? ''} ${error?.message ?? ''}`,
  );
}

function judge(reply: ConnectionReply): PayPalReply {
  const { status } = reply;
  if (isTransient(status)) throw new ProviderUnavailable(`PayPal answered ${status}`);
  const body = reply.body === '' ? undefined : parse(reply.body);
  if (status >= 200 && status < 300) return { ok: true, status, body };
  if (status !== 400 && status !== 404 && status !== 422) {
    throw new ProviderProtocolError(`PayPal answered ${status}`);
  }
  const error = read(ErrorReply, body, 'error');
  const [detail] = error.details ?? [];
  return {
    ok: false,
    status,
    issue: detail?.issue ?? error.name,
    detail: detail?.description ?? error.message ?? error.name,
    debugId: error.debug_id ?? '',
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ProviderProtocolError('PayPal answered with something that is not JSON', {
      cause: error,
    });
  }
}

/** Waits for a promise others may be waiting for too, but no longer than this call may take. */
async function within<Value>(promise: Promise<Value>, deadline: number): Promise<Value> {
  const left = Math.max(1, deadline - performance.now());
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProviderUnavailable('No PayPal access token in time')), left);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
