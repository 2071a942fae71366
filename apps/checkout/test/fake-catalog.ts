/** Stands in for catalog: quotes prices over a real socket, and can be away or silent. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A product, 12.50 EUR. */
export const mug = '0199a2f4-0000-7000-8000-00000000000a';
/** Another one, 3.00 EUR. */
export const lamp = '0199a2f4-0000-7000-8000-00000000000b';

export interface FakeCatalog {
  url: string;
  /** How it behaves from now on: it quotes, answers 500, or never answers. */
  mood: 'quotes' | 'fails' | 'is silent';
  /** Bearer tokens of the calls so far. */
  tokens: string[];
  /** Listens again, where it did before. */
  start(): Promise<void>;
  /** Closes its port and breaks its connections. */
  stop(): Promise<void>;
}

const products = [
  { productId: mug, name: 'Enamel watch mug', price: { amount: 1250, currency: 'EUR' } },
  { productId: lamp, name: 'Chart table lamp', price: { amount: 300, currency: 'EUR' } },
];

/** Starts one on a free port. */
export async function startFakeCatalog(): Promise<FakeCatalog> {
  let server: Server;
  let port = 0;
  const catalog: FakeCatalog = {
    url: '',
    mood: 'quotes',
    tokens: [],
    start: async () => {
      server = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          catalog.tokens.push((request.headers.authorization ?? '').slice('Bearer '.length));
          if (catalog.mood === 'is silent') return;
          const known = request.url === '/products/quote' && catalog.mood === 'quotes';
          response.writeHead(known ? 200 : 500, { 'content-type': 'application/json' });
          if (!known) return void response.end('{}');
          const { productIds } = JSON.parse(Buffer.concat(chunks).toString()) as { productIds: string[] };
          const wanted = new Set(productIds.map((id) => id.toLowerCase()));
          response.end(JSON.stringify({ items: products.filter(({ productId }) => wanted.has(productId)) }));
        });
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
      catalog.url = `http://127.0.0.1:${port}`;
    },
    stop: async () => {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  await catalog.start();
  return catalog;
}
