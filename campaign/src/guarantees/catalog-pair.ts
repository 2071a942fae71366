/** Two real catalog replicas on one database, each with a link of its own to Redis that can be cut. */
import { randomUUIDv7 } from 'node:crypto';
import { join } from 'node:path';
import {
  partUrl,
  spawnService,
  testBroker,
  testDatabase,
  testIdentity,
  until,
  type ServiceProcess,
  type TestDatabase,
} from '@ballast/testing';
import { Agent, request } from 'undici';
import { linkTo, type Link } from './link.ts';

export interface CatalogReplica {
  service: ServiceProcess;
  /** What lies between it and Redis. */
  link: Link;
}

/** An answer about a product. `body` is the product, or the problem. */
export interface ProductAnswer {
  status: number;
  etag: string;
  body: { onHand?: number; current?: { onHand: number } };
}

export interface CatalogPair {
  replicas: readonly [CatalogReplica, CatalogReplica];
  database: TestDatabase['database'];
  /** A product of its own; its id. */
  addProduct(onHand: number): Promise<string>;
  get(replica: CatalogReplica, productId: string): Promise<ProductAnswer>;
  /** An operator sets what is on hand. */
  put(replica: CatalogReplica, productId: string, etag: string, onHand: number): Promise<ProductAnswer>;
  /** Whether the replica hears of the other's changes. */
  hears(replica: CatalogReplica, productId: string): Promise<boolean>;
  close(): Promise<void>;
}

const catalogMain = join(import.meta.dirname, '../../../apps/catalog/src/main.ts');

/** Starts both; needs PostgreSQL, RabbitMQ and Redis (TEST_…_URL). `defects` and `faults` are planted in both. */
export async function startCatalogPair(planted: { defects?: string; faults?: string }): Promise<CatalogPair> {
  const identity = await testIdentity();
  const { database, url, drop } = await testDatabase({ schema: 'catalog', sets: [] });
  const broker = await testBroker();
  const agent = new Agent({ connections: 128 });
  const token = identity.token({ roles: ['operator'] });
  const started: CatalogReplica[] = [];
  const start = async (name: string): Promise<CatalogReplica> => {
    const link = await linkTo(partUrl('REDIS'));
    const service = await spawnService(catalogMain, {
      INSTANCE: name,
      LAB_MODE: '1',
      LOG_LEVEL: 'warn',
      DEFECTS: planted.defects ?? '',
      FAULTS: planted.faults ?? '',
      POSTGRES_URL: url,
      AMQP_URL: broker.url,
      REDIS_URL: link.url,
      MESSAGING_NAMESPACE: broker.namespace,
      IDENTITY_URL: identity.url,
    });
    const replica = { service, link };
    started.push(replica);
    return replica;
  };
  const close = async (): Promise<void> => {
    for (const { service, link } of started) {
      await service.end('SIGKILL');
      await link.close();
    }
    await agent.destroy();
    await broker.clean(['catalog.commands']);
    await drop();
    await identity.close();
  };
  const ask = async (
    { service }: CatalogReplica,
    method: 'GET' | 'PUT',
    path: string,
    headers: Record<string, string> = {},
    body: string | null = null,
  ): Promise<{ status: number; etag: string; body: unknown }> => {
    const response = await request(`${service.url}${path}`, {
      dispatcher: agent,
      method,
      headers,
      body,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
    const { etag } = response.headers;
    return { status: response.statusCode, etag: String(etag), body: await response.body.json() };
  };
  const operator = { authorization: `Bearer ${token}` };

  try {
    const replicas = [await start('catalog-1'), await start('catalog-2')] as const;
    await Promise.all(replicas.map(({ service }) => alive(service)));
    // The first tokens a replica sees wait for the keys they are checked with; whoever comes meanwhile is told to come again.
    for (const replica of replicas) {
      const path = `/products/${randomUUIDv7()}/stock`;
      const headers = { ...operator, 'content-type': 'application/json', 'if-match': '"1"' };
      await until('a replica to take writes', async () => {
        const { status } = await ask(replica, 'PUT', path, headers, JSON.stringify({ onHand: 1 }));
        return status !== 503;
      });
    }
    return {
      replicas,
      database,
      addProduct: async (onHand) => {
        const id = randomUUIDv7();
        await database.query(
          `INSERT INTO products (product_id, slug, name, description, category, search_text, price_amount, currency, image, position, initial, on_hand)
           VALUES ($1::uuid, $1::uuid::text, 'Campaign', 'For the campaign.', 'Tests', 'campaign', 1250, 'EUR', '/images/products/test.svg', 1, $2, $2)`,
          [id, onHand],
        );
        return id;
      },
      get: async (replica, productId) => (await ask(replica, 'GET', `/products/${productId}`)) as ProductAnswer,
      put: async (replica, productId, etag, onHand) =>
        (await ask(
          replica,
          'PUT',
          `/products/${productId}/stock`,
          { ...operator, 'content-type': 'application/json', 'if-match': etag },
          JSON.stringify({ onHand }),
        )) as ProductAnswer,
      hears: async (replica, productId) =>
        ((await ask(replica, 'GET', `/lab/cache/products/${productId}`, operator)).body as { subscribed?: boolean })
          .subscribed === true,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Without waiting for the log line `ready`, which is not written at this level. */
async function alive(service: ServiceProcess): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (service.gone) throw new Error(`catalog has ended:\n${service.lines.join('\n')}`);
    const answer = await fetch(`${service.url}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    if (answer?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`catalog is not ready:\n${service.lines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
