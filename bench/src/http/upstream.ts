/** What stands behind every proxy here: one product, as catalog answers it, from bare node:http. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listening } from './server.ts';

const product = Buffer.from(
  JSON.stringify({
    productId: '0199a2f4-0000-7000-8000-000000000001',
    slug: 'storm-lantern',
    name: 'Storm lantern',
    description:
      'A brass lantern with a glass that takes a gale, a wick that lasts a week, and a handle for cold hands.',
    category: 'lamps',
    price: { amount: 4_900, currency: 'EUR' },
    image: '/images/products/storm-lantern.svg',
    onHand: 120,
  }),
);

const server = createServer((request, response) => {
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': product.length,
    etag: '"4711"',
    'cache-control': 'no-cache',
    'x-instance': 'upstream',
  });
  response.end(request.method === 'HEAD' ? undefined : product);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => listening(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
