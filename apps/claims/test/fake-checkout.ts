/** Stands in for checkout: shows orders to their owners over a real socket, and can be away or silent. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUIDv7 } from 'node:crypto';

interface FakeOrder {
  orderId: string;
  userId: string;
  state: string;
  total: { amount: number; currency: string };
}

export interface FakeCheckout {
  url: string;
  /** How it behaves from now on: it answers, answers 500, or never answers. */
  mood: 'answers' | 'fails' | 'is silent';
  /** Paths asked for so far, and whose token came with them. */
  asked: { path: string; token: string }[];
  /** Adds an order and returns its id. */
  add(userId: string, state?: string, amount?: number): string;
  setState(orderId: string, state: string): void;
  /** Listens again, where it did before. */
  start(): Promise<void>;
  /** Closes its port and breaks its connections. */
  stop(): Promise<void>;
}

/** Starts one on a free port. */
export async function startFakeCheckout(): Promise<FakeCheckout> {
  const orders = new Map<string, FakeOrder>();
  let server: Server;
  let port = 0;

  /** As checkout does: owners and operators see an order, the list is one's own, newest first. */
  const answer = (url: URL, token: string): { status: number; body: object } => {
    const { sub, roles } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as {
      sub: string;
      roles: string[];
    };
    if (url.pathname !== '/orders') {
      const order = orders.get(url.pathname.slice('/orders/'.length));
      const visible = order !== undefined && (order.userId === sub || roles.includes('operator'));
      return visible ? { status: 200, body: order } : { status: 404, body: { code: 'not-found' } };
    }
    const limit = Number(url.searchParams.get('limit'));
    const before = url.searchParams.get('cursor') ?? 'g';
    const own = [...orders.values()]
      .filter((order) => order.userId === sub && order.orderId < before)
      .toSorted((a, b) => (a.orderId < b.orderId ? 1 : -1));
    const items = own.slice(0, limit);
    return { status: 200, body: { items, nextCursor: own.length > limit ? items.at(-1)!.orderId : null } };
  };

  const checkout: FakeCheckout = {
    url: '',
    mood: 'answers',
    asked: [],
    add: (userId, state = 'Completed', amount = 1250) => {
      const orderId = randomUUIDv7();
      orders.set(orderId, { orderId, userId, state, total: { amount, currency: 'EUR' } });
      return orderId;
    },
    setState: (orderId, state) => {
      orders.get(orderId)!.state = state;
    },
    start: async () => {
      server = createServer((request, response) => {
        const token = (request.headers.authorization ?? '').slice('Bearer '.length);
        checkout.asked.push({ path: request.url!, token });
        if (checkout.mood === 'is silent') return;
        const { status, body } =
          checkout.mood === 'fails'
            ? { status: 500, body: {} }
            : answer(new URL(request.url!, 'http://checkout'), token);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
      checkout.url = `http://127.0.0.1:${port}`;
    },
    stop: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  await checkout.start();
  return checkout;
}
