/** A shop as the load sees it, which answers orders as it is told. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedOrder {
  key: string;
  authorization: string;
  method: string;
  productId: string;
}

/** `lose` ends the connection without an answer; `never` says nothing at all. */
export type OrderAnswer = number | 'lose' | 'never';

export interface FakeBff {
  url: string;
  orders: ReceivedOrder[];
  /** Cookies that single products were read with. */
  readers: string[];
  /** Reads of lists and sessions. */
  probes: number;
  /** Corrections of stock that were taken. */
  corrections: { productId: string; onHand: number }[];
  products: { productId: string; onHand: number; version: number }[];
  /** What becomes of an order; `earlier` is how often its key was seen before. */
  answer: (order: ReceivedOrder, earlier: number) => OrderAnswer;
  /** While true everything is answered 503. */
  away: boolean;
  /** Orders that exist, by id. */
  existing: Set<string>;
  close(): Promise<void>;
}

export async function fakeBff(): Promise<FakeBff> {
  const accepted = new Map<string, string>();
  const json = (
    response: ServerResponse,
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
  const shown = ({ productId, onHand }: FakeBff['products'][number]): unknown => ({
    productId,
    slug: 'mug',
    name: 'Mug',
    description: '',
    category: 'kitchen',
    price: { amount: 900, currency: 'EUR' },
    image: '/mug.svg',
    onHand,
  });
  const placeOrder = (request: IncomingMessage, response: ServerResponse, text: string): void => {
    const body = JSON.parse(text) as { lines: { productId: string }[]; payment: { method: string } };
    const order: ReceivedOrder = {
      key: String(request.headers['idempotency-key']),
      authorization: String(request.headers.authorization),
      method: body.payment.method,
      productId: body.lines[0]!.productId,
    };
    const earlier = bff.orders.filter(({ key }) => key === order.key).length;
    bff.orders.push(order);
    const answer = bff.answer(order, earlier);
    if (answer === 'never') return;
    if (answer === 'lose') return void request.socket.destroy();
    if (answer !== 202) return json(response, answer, { detail: 'told so' }, { 'retry-after': '1' });
    const orderId = accepted.get(order.key) ?? randomUUID();
    accepted.set(order.key, orderId);
    bff.existing.add(orderId);
    json(response, 202, { orderId, state: 'Initiated' });
  };
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => request.destroy());
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString();
      const { pathname: path } = new URL(request.url!, 'http://bff');
      if (bff.away) return json(response, 503, {}, { 'retry-after': '1' });
      if (path === '/api/session') {
        bff.probes += 1;
        return json(
          response,
          200,
          { user: null, csrfToken: 'csrf' },
          { 'set-cookie': 'ballast_session=anonymous; Path=/' },
        );
      }
      if (path === '/api/auth/login') {
        if (request.headers['x-csrf-token'] !== 'csrf') return json(response, 403, {});
        const { email } = JSON.parse(text) as { email: string };
        return json(response, 200, {}, { 'set-cookie': `ballast_session=${email}; Path=/` });
      }
      if (path === '/api/payment-methods') {
        return json(response, 200, [
          { provider: 'stripe', method: 'pm_good', label: 'Good', outcome: 'accepted' },
          { provider: 'stripe', method: 'pm_bad', label: 'Bad', outcome: 'declined' },
        ]);
      }
      if (path === '/api/products') {
        bff.probes += 1;
        return json(response, 200, { items: bff.products.map(shown), nextCursor: null });
      }
      if (path === '/api/orders') return placeOrder(request, response, text);
      const order = /^\/api\/orders\/(.+)$/.exec(path)?.[1];
      if (order !== undefined) return json(response, bff.existing.has(order) ? 200 : 404, {});
      const [, id, stock] = /^\/api\/products\/([^/]+)(\/stock)?$/.exec(path) ?? [];
      const product = bff.products.find(({ productId }) => productId === id);
      if (product === undefined) return json(response, 404, {});
      if (stock === undefined) {
        bff.readers.push(String(request.headers.cookie));
        return json(response, 200, shown(product), { etag: `"${product.version}"` });
      }
      // Somebody else is always a little faster.
      if (request.headers['if-match'] !== `"${product.version}"` || product.version === 1) {
        product.version += 1;
        return json(response, 412, {}, { etag: `"${product.version}"` });
      }
      product.onHand = (JSON.parse(text) as { onHand: number }).onHand;
      bff.corrections.push({ productId: product.productId, onHand: product.onHand });
      return json(response, 200, shown(product), { etag: `"${product.version}"` });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bff: FakeBff = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders: [],
    readers: [],
    probes: 0,
    corrections: [],
    products: [
      { productId: randomUUID(), onHand: 1_000, version: 1 },
      { productId: randomUUID(), onHand: 90, version: 1 },
      { productId: randomUUID(), onHand: 3, version: 1 },
    ],
    answer: () => 202,
    away: false,
    existing: new Set(),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return bff;
}
