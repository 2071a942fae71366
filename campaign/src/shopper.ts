/** A customer of the mesh from outside: signs in, orders over HTTP through the bff, and remembers every promise made. */
import { randomUUID } from 'node:crypto';
import { finalOrderStates, type Order, type OrderState, type PaymentChoice, type Product } from '@ballast/contracts';
import { Agent, request } from 'undici';

/** What became of one attempt to order. */
export interface Placed {
  orderId: string;
  payment: PaymentChoice;
  idempotencyKey: string;
  /** Requests it took until one was answered with a 2xx. */
  attempts: number;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

export interface Shopper {
  call(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
  products(): Promise<Product[]>;
  /** Places an order, asking again with the same key until it is answered 2xx or `patienceMs` is over (then it throws). */
  order(lines: { productId: string; quantity: number }[], payment: PaymentChoice, patienceMs?: number): Promise<Placed>;
  find(orderId: string): Promise<Order>;
  /** Waits until the order has ended; null when `patienceMs` is over first. */
  end(orderId: string, patienceMs: number): Promise<OrderState | null>;
  close(): Promise<void>;
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * How long the mesh asked to wait, in ms. Heard where it is about this customer: too many requests (429), or the first
 * request with this key is still running (409). While something is down, customers are impatient.
 */
function toldToWaitMs(last: unknown): number {
  const { status, headers } = last as Partial<Answer>;
  const seconds = status === 409 || status === 429 ? Number(headers?.['retry-after'] ?? 0) : 0;
  return Number.isFinite(seconds) ? Math.min(seconds, 10) * 1_000 : 0;
}

/** Signs in at identity and orders through the bff with a bearer token, which it renews before it ends. */
export async function createShopper(options: {
  bffUrl: string;
  identityUrl: string;
  email: string;
  password: string;
}): Promise<Shopper> {
  const agent = new Agent({ connections: 64, keepAliveTimeout: 5_000, connect: { timeout: 2_000 } });
  let token = '';
  let renewAt = 0;

  const send = async (url: string, method: string, body: unknown, headers: Record<string, string>): Promise<Answer> => {
    const response = await request(url, {
      dispatcher: agent,
      method: method as 'GET',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
    const text = await response.body.text();
    return {
      status: response.statusCode,
      headers: response.headers,
      body: text === '' ? null : (JSON.parse(text) as unknown),
    };
  };

  const signIn = async (): Promise<void> => {
    const { email, password } = options;
    const answer = await send(`${options.identityUrl}/login`, 'POST', { email, password }, {});
    if (answer.status !== 200) throw new Error(`login answered ${answer.status}`);
    const pair = answer.body as { accessToken: string; expiresIn: number };
    token = pair.accessToken;
    renewAt = Date.now() + (pair.expiresIn - 60) * 1000;
  };
  await signIn();

  const call: Shopper['call'] = async (method, path, { body, headers = {} } = {}) => {
    if (Date.now() > renewAt) await signIn();
    return send(`${options.bffUrl}${path}`, method, body, { authorization: `Bearer ${token}`, ...headers });
  };

  const find = async (orderId: string): Promise<Order> => {
    const answer = await call('GET', `/api/orders/${orderId}`);
    if (answer.status !== 200) throw new Error(`order ${orderId} answered ${answer.status}`);
    return answer.body as Order;
  };

  return {
    call,
    find,
    products: async () => {
      const answer = await call('GET', '/api/products?limit=100');
      if (answer.status !== 200) throw new Error(`products answered ${answer.status}`);
      return (answer.body as { items: Product[] }).items;
    },
    order: async (lines, payment, patienceMs = 30_000) => {
      const idempotencyKey = randomUUID();
      const deadline = Date.now() + patienceMs;
      let last: unknown;
      for (let attempts = 1; ; attempts += 1) {
        try {
          const answer = await call('POST', '/api/orders', {
            body: { lines, payment },
            headers: { 'idempotency-key': idempotencyKey },
          });
          if (answer.status === 202)
            return { orderId: (answer.body as { orderId: string }).orderId, payment, idempotencyKey, attempts };
          last = answer;
          if (answer.status < 500 && answer.status !== 429 && answer.status !== 409) break;
        } catch (error) {
          last = error;
        }
        if (Date.now() > deadline) break;
        await pause(toldToWaitMs(last) + 50 + Math.random() * 200);
      }
      throw new Error('the order was not taken', { cause: last });
    },
    end: async (orderId, patienceMs) => {
      const began = Date.now();
      const deadline = began + patienceMs;
      for (;;) {
        try {
          const { state } = await find(orderId);
          if (finalOrderStates.includes(state)) return state;
        } catch (error) {
          // A mesh that is being broken may not answer now; only the deadline decides.
          if (Date.now() > deadline) throw error;
        }
        if (Date.now() > deadline) return null;
        // Hundreds may wait: whoever has waited for long asks less often.
        await pause(Math.max(100, Math.min((Date.now() - began) / 10, 1_000)));
      }
    },
    close: () => agent.close(),
  };
}
