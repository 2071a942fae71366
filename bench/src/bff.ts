/** A product read through the bff, beside proxies that do nothing else. All of them ask the same bare upstream. */
import { join } from 'node:path';
import type autocannon from 'autocannon';
import { freePort, testDatabase, testIdentity } from '@ballast/testing';
import type { BenchContext } from './context.ts';
import { forkServer, httpContender, startService } from './http/server.ts';
import { measure, table } from './measure.ts';

const root = join(import.meta.dirname, '../..');
const script = (name: string): string => join(import.meta.dirname, 'http', name);

export async function bffBench({ urls, parts, rounds, roundMs, say }: BenchContext): Promise<string> {
  const identity = await testIdentity();
  const database = await testDatabase({ schema: 'bff', sets: [] });
  const upstream = await forkServer(script('upstream.ts'), {});
  const environment = { UPSTREAM: upstream.url };
  const servers = [upstream];
  try {
    const bff = await startService(join(root, 'apps/bff/src/main.ts'), await freePort(), {
      POSTGRES_URL: database.url,
      REDIS_URL: urls.redis,
      IDENTITY_URL: identity.url,
      CATALOG_URLS: upstream.url,
      CHECKOUT_URLS: upstream.url,
      PAYMENTS_URL: upstream.url,
      CLAIMS_URL: upstream.url,
      SESSION_SECRET: 'a secret for benchmarks that is long enough',
      // Counted as always, but never empty: what is measured is the answer, not the refusal.
      RATE_LIMIT_BURST: '1000000',
      RATE_LIMIT_PER_SECOND: '1000000',
    });
    servers.push(bff);
    const buffered = await forkServer(script('undici-proxy.ts'), environment);
    servers.push(buffered);
    const proxy = await forkServer(script('http-proxy.ts'), environment);
    servers.push(proxy);
    const names = ['bare Fastify, undici request buffered', '@fastify/http-proxy'] as const;
    const measured = async (
      title: string,
      request: Parameters<typeof httpContender>[2],
      aims: Record<string, number>,
    ): Promise<string> => {
      say(title);
      const contenders = [
        httpContender('bff', bff, request, 50),
        httpContender(names[0], buffered, request, 50),
        httpContender(names[1], proxy, request, 50),
      ];
      return table(title, await measure(contenders, { rounds, roundMs, parts, say }), aims);
    };
    const path = '/api/products/0199a2f4-0000-7000-8000-000000000001';
    // One after the other, whichever connection asks: no two of those under way are the same.
    let next = 0;
    const eachAnother = (given: autocannon.Request): autocannon.Request => {
      next = (next + 1) % 1_000;
      return { ...given, path: `/api/products/0199a2f4-0000-7000-8000-${String(next).padStart(12, '0')}` };
    };
    const tables = [
      await measured('One product through the bff, 50 at once', { path }, { [names[0]]: 1.2, [names[1]]: 1.4 }),
      await measured(
        'A thousand products through the bff in turn, 50 at once',
        { path, requests: [{ setupRequest: eachAnother }] },
        {},
      ),
    ];
    return tables.join('\n\n');
  } finally {
    for (const server of servers.toReversed()) await server.stop();
    await database.drop();
    await identity.close();
  }
}
