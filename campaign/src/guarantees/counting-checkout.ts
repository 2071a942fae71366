/**
 * A checkout that counts: every order it takes is a row. It knows a key it has finished before, as the real one does, but
 * has no unique row: two calls with one key that overlap leave two rows. So whoever lets them overlap is found out.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testDatabase, type TestDatabase } from '@ballast/testing';

export interface CountingCheckout {
  url: string;
  /** Schema `checkout`, table `effects`: user_id, key, order_id, body. */
  store: TestDatabase;
  /** Calls taken so far. */
  readonly calls: number;
  /** Whether a call with that user and key is being worked on. */
  isBusyWith(userId: string, key: string): boolean;
  /** Lets no order be finished until the function it returns is called. */
  pause(): () => void;
  close(): Promise<void>;
}

const findEffect = {
  name: 'effect-find',
  text: 'SELECT order_id FROM effects WHERE user_id = $1 AND key = $2 LIMIT 1',
};
const insertEffect = { name: 'effect-insert', text: 'INSERT INTO effects VALUES ($1, $2, $3, $4)' };

/** Starts one on a free port. `workMs` gives how long it thinks about each order; it also answers `/healthz`. */
export async function countingCheckout(workMs: () => number): Promise<CountingCheckout> {
  const store = await testDatabase({ schema: 'checkout', sets: [], maxConnections: 8 });
  await store.database.query('CREATE TABLE effects (user_id uuid, key text, order_id uuid, body jsonb)');
  await store.database.query('CREATE INDEX ON effects (user_id, key)');
  const busy = new Map<string, number>();
  let calls = 0;
  let paused: Promise<void> = Promise.resolve();

  const take = async (userId: string, key: string, body: string): Promise<{ orderId: string; known: boolean }> => {
    const [known] = await store.database.query<{ order_id: string }>(findEffect, [userId, key]);
    if (known !== undefined) return { orderId: known.order_id, known: true };
    await new Promise((resolve) => setTimeout(resolve, workMs()));
    await paused;
    const orderId = randomUUID();
    await store.database.query(insertEffect, [userId, key, orderId, body]);
    return { orderId, known: false };
  };

  const place = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const key = String(request.headers['idempotency-key']);
    const userId = subjectOf(request);
    const name = `${userId} ${key}`;
    calls += 1;
    busy.set(name, (busy.get(name) ?? 0) + 1);
    try {
      const { orderId, known } = await take(userId, key, body);
      const headers = { location: `/orders/${orderId}`, ...(known ? { 'idempotent-replayed': 'true' } : {}) };
      response.writeHead(202, { 'content-type': 'application/json; charset=utf-8', ...headers });
      response.end(JSON.stringify({ orderId, state: 'Initiated' }));
    } finally {
      const left = busy.get(name)! - 1;
      if (left === 0) busy.delete(name);
      else busy.set(name, left);
    }
  };

  const server = createServer((request, response) => {
    response.setHeader('x-instance', 'checkout-counting');
    if (request.method === 'POST' && request.url === '/orders') {
      // A caller that was killed sends half a request; its connection is gone, and so is the need to answer.
      place(request, response).catch((error: Error) => response.destroy(error));
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    store,
    get calls() {
      return calls;
    },
    isBusyWith: (userId, key) => busy.has(`${userId} ${key}`),
    pause: () => {
      const gate = Promise.withResolvers<void>();
      paused = gate.promise;
      return gate.resolve;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await store.drop();
    },
  };
}

/** Whose token it is; the bff has checked it. */
function subjectOf(request: IncomingMessage): string {
  const payload = request.headers.authorization?.split('.')[1] ?? '';
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sub: string }).sub;
}
