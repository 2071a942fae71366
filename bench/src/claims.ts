/** Claims over HTTP: group commit beside one statement a request, and beside no database at all. */
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort, testDatabase, testIdentity } from '@ballast/testing';
import type { BenchContext } from './context.ts';
import { forkServer, httpContender, startService } from './http/server.ts';
import { measure, table } from './measure.ts';
import type { Request } from 'autocannon';

const root = join(import.meta.dirname, '../..');
const variants = join(import.meta.dirname, 'claims/variants.ts');

export async function claimsBench({ urls, parts, rounds, roundMs, say }: BenchContext): Promise<string> {
  const identity = await testIdentity();
  const userId = randomUUIDv7();
  const orderId = randomUUIDv7();
  const token = identity.token({ userId });
  // Checkout is asked once about an order; afterwards claims knows it.
  const checkout = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-instance': 'checkout' });
    response.end(
      JSON.stringify({
        orderId,
        state: 'Completed',
        reason: null,
        lines: [],
        total: { amount: 4_900, currency: 'EUR' },
        payment: { provider: 'stripe', method: 'pm_card_visa' },
        placedAt: new Date().toISOString(),
        history: [],
      }),
    );
  });
  await new Promise<void>((resolve) => checkout.listen(0, '127.0.0.1', resolve));
  const ours = await testDatabase({ schema: 'claims', sets: [] });
  const theirs = await testDatabase({ schema: 'claims_single', sets: [] });
  const environment = { IDENTITY_URL: identity.url, POSTGRES_URL: theirs.url };
  const servers = [];
  try {
    const claims = await startService(
      join(root, 'apps/claims/src/main.ts'),
      await freePort(),
      {
        POSTGRES_URL: ours.url,
        AMQP_URL: urls.rabbitmq,
        MESSAGING_NAMESPACE: `bench-${randomUUID().slice(0, 8)}`,
        IDENTITY_URL: identity.url,
        CHECKOUT_URLS: `http://127.0.0.1:${(checkout.address() as AddressInfo).port}`,
      },
      '/readyz',
    );
    servers.push(claims);
    const single = await forkServer(variants, { ...environment, VARIANT: 'single' });
    servers.push(single);
    const none = await forkServer(variants, { ...environment, VARIANT: 'none' });
    servers.push(none);
    const body = JSON.stringify({ orderId, reason: 'damaged', details: 'The glass came in two pieces.' });
    const request = {
      path: '/claims',
      method: 'POST' as const,
      requests: [
        {
          method: 'POST' as const,
          path: '/claims',
          body,
          // A key of its own for every request: each is a claim that is really filed.
          setupRequest: (each: Request) => ({
            ...each,
            headers: {
              authorization: `Bearer ${token}`,
              'content-type': 'application/json',
              'idempotency-key': randomUUID(),
            },
          }),
        },
      ],
    };
    say('claims, 64 at once');
    const measured = await measure(
      [
        httpContender('claims, group commit', claims, request, 64),
        httpContender('one statement a request', single, request, 64),
        httpContender('no database', none, request, 64),
      ],
      { rounds, roundMs, parts, say },
    );
    return table('Claims over HTTP, 64 at once', measured, { 'one statement a request': 3 });
  } finally {
    for (const server of servers.toReversed()) await server.stop();
    await ours.drop();
    await theirs.drop();
    checkout.closeAllConnections();
    checkout.close();
    await identity.close();
  }
}
