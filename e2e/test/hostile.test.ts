/**
 * Wrong input against a whole running mesh: everything a stranger, a thief or a broken client can send, through the bff and at each
 * service's own port. Each is refused in time with the right problem, nothing changes, nobody complains, and the next customer is served.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { accountCases, cookieCases, tokenCases } from './hostile/account-cases.ts';
import { assertRefused, sweep } from './hostile/case.ts';
import { csrfCases, orderCases, quoteCases, readCases, stockCases } from './hostile/commerce-cases.ts';
import { orderDoors, through } from './hostile/doors.ts';
import { posted, webhookCases } from './hostile/webhook-cases.ts';
import { methodCases, pathCases, rawCases } from './hostile/wire-cases.ts';
import {
  complaintsSince,
  markLogs,
  readLedger,
  readProcesses,
  readQuietTables,
  type ProcessReport,
} from './hostile/witness.ts';
import { exchange } from './hostile/wire.ts';
import { createWorld, openSession, services, type World } from './hostile/world.ts';

let world: World;
let baseline: {
  tables: Record<string, string>;
  ledger: string;
  logs: Map<string, number>;
  processes: Record<string, ProcessReport>;
};

const json = ['content-type', 'application/json'] as const;

/** A refresh token used twice is worth a warning: somebody may have stolen it. This sweep does so once. */
const theft = 'a refresh token was used twice: session ended';
/** Memory a process may hold more than before, in MiB: buffers and heap not collected yet. The same again and again levels off at some 150. */
const growthMiB = 256;
const moreDescriptors = 40;

describe('wrong input', () => {
  before(
    async () => {
      world = await createWorld();
      baseline = {
        tables: await readQuietTables(world),
        ledger: await readLedger(world),
        logs: markLogs(world),
        processes: readProcesses(world),
      };
    },
    { timeout: 120_000 },
  );
  const theWorld = (): World => world;

  sweep('orders that are wrong', orderCases, theWorld);
  sweep('reads of what is not there, not yours, or not asked for rightly', readCases, theWorld);
  sweep('stock corrections that are wrong', stockCases, theWorld);
  sweep('quotes that are wrong', quoteCases, theWorld);
  sweep('sessions without their CSRF token', csrfCases, theWorld);
  sweep('accounts, sign-ins and refreshes that are wrong', accountCases, theWorld);
  sweep('tokens that are forged', tokenCases, theWorld);
  sweep('cookies that are tampered with', cookieCases, theWorld);
  sweep('webhooks that are not to be believed', webhookCases, theWorld);
  sweep('methods a route does not have', methodCases, theWorld);
  sweep('paths that lead nowhere', pathCases, theWorld);
  sweep('bytes that are hardly HTTP', rawCases, theWorld);

  describe('what comes a second time', { concurrency: 4 }, () => {
    for (const door of orderDoors) {
      it(`${door.service}: an order under its own key is answered as before, ${door.name}`, async () => {
        const { orderId, idempotencyKey, body } = world.stripeOrder;
        const replies = await Promise.all(
          Array.from({ length: 5 }, () =>
            world.send(
              door.service,
              through(door, world, {
                method: 'POST',
                path: '/orders',
                headers: [['idempotency-key', idempotencyKey]],
                body,
              }),
            ),
          ),
        );
        for (const reply of replies) {
          assert.equal(reply.status, 202, reply.body);
          assert.equal(reply.headers.get('idempotent-replayed'), 'true');
          assert.equal(reply.headers.get('location'), `${door.prefix}/orders/${orderId}`);
          assert.deepEqual(JSON.parse(reply.body), { orderId, state: 'Initiated' });
        }
      });
    }

    for (const service of ['bff', 'payments'] as const) {
      it(`${service}: an event that was sent before is taken again, signed anew, and does nothing`, async () => {
        const sent = world.signing.sent();
        assert.ok(
          sent.some(({ provider }) => provider === 'stripe') && sent.some(({ provider }) => provider === 'paypal'),
        );
        for (const { provider, body } of [...sent, ...sent]) {
          const reply = await world.send(service, posted(provider, body, world.signing[provider](body)));
          assert.equal(reply.status, 200, reply.body);
          assert.match(reply.body, /"effect":"(duplicate|ignored)"/);
        }
      });

      it(`${service}: one event sent twenty times at once does nothing`, async () => {
        const { provider, body } = world.signing.sent()[0]!;
        const replies = await Promise.all(
          Array.from({ length: 20 }, () => world.send(service, posted(provider, body, world.signing[provider](body)))),
        );
        assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
      });
    }

    it('a refresh token that was used ends its session, whoever holds the next one', async () => {
      const { email, password } = world.stranger;
      const refresh = async (refreshToken: string) =>
        world.send('identity', {
          method: 'POST',
          path: '/refresh',
          headers: [json],
          body: JSON.stringify({ refreshToken }),
        });
      const login = await world.send('identity', {
        method: 'POST',
        path: '/login',
        headers: [json],
        body: JSON.stringify({ email, password }),
      });
      const first = (JSON.parse(login.body) as { refreshToken: string }).refreshToken;
      const renewed = await refresh(first);
      assert.equal(renewed.status, 200, renewed.body);
      const second = (JSON.parse(renewed.body) as { refreshToken: string }).refreshToken;
      assertRefused(await refresh(first), { status: 401, code: 'invalid-token' }, { service: 'identity' });
      assertRefused(await refresh(second), { status: 401, code: 'invalid-token' }, { service: 'identity' });
    });

    it('the cookie of a session that was signed out opens nothing', async () => {
      const anonymous = await openSession(world.send);
      const { email, password } = world.stranger;
      const entered = await world.send('bff', {
        method: 'POST',
        path: '/api/auth/login',
        headers: [json, ['cookie', anonymous.cookie], ['x-csrf-token', anonymous.csrf]],
        body: JSON.stringify({ email, password }),
      });
      const cookie = /ballast_session=[^;]+/.exec(entered.headers.get('set-cookie') ?? '')![0];
      const session = await openSession(world.send, cookie);
      const headers = [
        ['cookie', session.cookie],
        ['x-csrf-token', session.csrf],
      ] as const;
      assert.equal((await world.send('bff', { method: 'GET', path: '/api/orders', headers })).status, 200);
      assert.equal((await world.send('bff', { method: 'POST', path: '/api/auth/logout', headers })).status, 204);
      assertRefused(
        await world.send('bff', { method: 'GET', path: '/api/orders', headers }),
        { status: 401, code: 'unauthenticated' },
        { service: 'bff' },
      );
      // And the one it had before signing in was never signed in (session fixation).
      const fixed = await world.send('bff', {
        method: 'GET',
        path: '/api/orders',
        headers: [['cookie', anonymous.cookie]],
      });
      assertRefused(fixed, { status: 401, code: 'unauthenticated' }, { service: 'bff' });
    });
  });

  describe('requests that never end', { concurrency: true }, () => {
    for (const service of services) {
      const refused = async (bytes: string, trickleMs?: number): Promise<void> => {
        const url = world.test.mesh.urls[service]!;
        // Headers have five seconds, a whole request ten; the clock is looked at once a second or so.
        const reply = await exchange(url, Buffer.from(bytes), {
          timeoutMs: 40_000,
          ...(trickleMs === undefined ? {} : { trickleMs }),
        });
        assertRefused({ ...reply, milliseconds: 0 }, { status: 408, code: 'request-timeout' }, { service });
      };
      it(`${service}: headers that stop half way are given up`, async () =>
        await refused('GET /healthz HTTP/1.1\r\nHost: ball'));
      it(`${service}: headers that trickle in are given up`, async () =>
        await refused(`GET /healthz HTTP/1.1\r\nHost: b\r\n${'X-A: 1\r\n'.repeat(500)}`, 200));
      it(`${service}: a body that stops half way is given up`, async () => {
        const path =
          service === 'identity'
            ? '/login'
            : service === 'catalog-1'
              ? '/products/quote'
              : service === 'checkout-1'
                ? '/orders'
                : '/webhooks/stripe';
        const token = `Authorization: Bearer ${world.customer.accessToken}`;
        await refused(
          `POST ${path} HTTP/1.1\r\nHost: b\r\n${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`,
        );
      });
      it(`${service}: a body that is cut short by hanging up is no request`, async () => {
        const path =
          service === 'identity'
            ? '/login'
            : service === 'catalog-1'
              ? '/products/quote'
              : service === 'checkout-1'
                ? '/orders'
                : '/webhooks/stripe';
        const token = `Authorization: Bearer ${world.customer.accessToken}`;
        const bytes = Buffer.from(
          `POST ${path} HTTP/1.1\r\nHost: b\r\n${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":`,
        );
        const reply = await exchange(world.test.mesh.urls[service]!, bytes, { halfClose: true });
        assertRefused(reply, { status: 400, code: 'bad-request' }, { service });
      });
      it(`${service}: garbage behind a good request ends the connection`, async () => {
        const bytes = Buffer.from('GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n\u0000\u0001garbage\r\n\r\n');
        const reply = await exchange(world.test.mesh.urls[service]!, bytes);
        assert.ok(reply.status === 200 || reply.status === 400, `${reply.status} ${reply.body}`);
      });
    }

    it('garbage into an open stream breaks the stream, and never shows up in it', async () => {
      const { accessToken } = world.customer;
      const head = `GET /orders/${world.stripeOrder.orderId}/events HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer ${accessToken}\r\n\r\n`;
      const reply = await exchange(world.test.mesh.urls['checkout-1']!, Buffer.from(`${head}\u0000garbage\r\n\r\n`));
      assert.doesNotMatch(reply.body, /HTTP\/1\.1 400/);
    });
  });

  describe('after all of it', () => {
    it('no row of any table has changed', async () => {
      assert.deepEqual(await readQuietTables(world), baseline.tables);
    });

    it("the payment provider's ledger has not changed", async () => {
      assert.equal(await readLedger(world), baseline.ledger);
    });

    it('no service has logged a warning or an error, but for the stolen refresh token', () => {
      const complaints = complaintsSince(world, baseline.logs);
      const expected = complaints.filter(({ file, message }) => file === 'identity.log' && message === theft);
      const others = complaints.filter((line) => !expected.includes(line));
      assert.deepEqual(
        others.slice(0, 20).map(({ file, line }) => `${file}: ${line.slice(0, 400)}`),
        [],
      );
      assert.equal(expected.length, 1, 'the theft itself is told');
    });

    it('every process is the one it was, no larger than a heap may be, with no socket left open', (test) => {
      const now = readProcesses(world);
      for (const [name, { memory }] of Object.entries(now)) {
        test.diagnostic(
          `${name}: ${Math.round(baseline.processes[name]!.memory)} MiB before, ${Math.round(memory)} MiB after`,
        );
      }
      for (const [name, was] of Object.entries(baseline.processes)) {
        const is = now[name]!;
        assert.equal(is.pid, was.pid, `${name} is another process`);
        assert.equal(is.restarts, was.restarts);
        assert.ok(
          is.memory < was.memory + growthMiB,
          `${name} grew from ${Math.round(was.memory)} to ${Math.round(is.memory)} MiB`,
        );
        assert.ok(
          is.descriptors < was.descriptors + moreDescriptors,
          `${name} had ${was.descriptors} descriptors open and has ${is.descriptors}`,
        );
      }
    });

    it('every service is ready', async () => {
      for (const service of Object.keys(world.test.mesh.urls).filter((name) => name !== 'payment-provider')) {
        assert.equal((await world.send(service, { method: 'GET', path: '/readyz' })).status, 200, service);
      }
    });

    it('the next orders complete, with either provider and through every door', async () => {
      for (const door of orderDoors) {
        for (const payment of [
          '{"provider":"stripe","method":"pm_card_visa"}',
          '{"provider":"paypal","method":"paypal_approve"}',
        ]) {
          const body = `{"lines":[{"productId":"${world.productId}","quantity":1}],"payment":${payment}}`;
          const reply = await world.send(
            door.service,
            through(door, world, {
              method: 'POST',
              path: '/orders',
              headers: [['idempotency-key', randomUUID()]],
              body,
            }),
          );
          assert.equal(reply.status, 202, reply.body);
          const { orderId } = JSON.parse(reply.body) as { orderId: string };
          assert.equal(await world.test.shopper.end(orderId, 30_000), 'Completed');
        }
      }
      // And these the witnesses have seen: they are not blind.
      const tables = await readQuietTables(world);
      for (const name of [
        'checkout.orders',
        'checkout.sagas',
        'catalog.products',
        'payments.payments',
        'payments.ledger',
        'payments.webhook_events',
      ]) {
        assert.notEqual(tables[name], baseline.tables[name], name);
      }
      assert.notEqual(await readLedger(world), baseline.ledger);
    });
  });
});
