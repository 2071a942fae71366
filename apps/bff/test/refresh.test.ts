import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until, type TestDatabase } from '@ballast/testing';
import { FakeIdentity, FakeService, json } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

describe('an access token near its end', () => {
  const identity = new FakeIdentity();
  const checkout = new FakeService('checkout-1', (_request, response) =>
    json(response, 200, { items: [], nextCursor: null }),
  );
  let database: TestDatabase;
  let replicas: Bff[];

  before(async () => {
    database = await freshDatabase();
    await identity.start();
    await checkout.start();
    const environment = { POSTGRES_URL: database.url, IDENTITY_URL: identity.origin, CHECKOUT_URLS: checkout.origin };
    replicas = [await startBff(environment), await startBff({ ...environment, INSTANCE: 'bff-other' })];
  });
  after(async () => {
    for (const replica of replicas) await replica.stop();
    await identity.kill();
    await checkout.kill();
    await database.drop();
  });
  beforeEach(() => {
    identity.outage = null;
    identity.refreshes = 0;
    identity.refreshDelayMs = 0;
    identity.tokenSeconds = 900;
  });

  /** Two browsers with one session, each at another replica, whose token has `secondsLeft`. */
  const signedIn = async (secondsLeft: number): Promise<[Browser, Browser]> => {
    const browser = new Browser(replicas[0]!.origin);
    await browser.session();
    const response = await browser.post('/api/auth/login', { email: 'demo@ballast.test', password: 'ballast-demo' });
    assert.equal(response.status, 200);
    await database.database.query(
      `UPDATE bff.sessions SET refresh_due_at = now() - interval '1 second', access_expires_at = now() + $1 * interval '1 second'
       WHERE created_at = (SELECT max(created_at) FROM bff.sessions)`,
      [secondsLeft],
    );
    const other = new Browser(replicas[1]!.origin);
    other.cookie = browser.cookie;
    return [browser, other];
  };
  const statuses = async (browsers: Browser[], times: number): Promise<number[]> =>
    await Promise.all(
      Array.from(
        { length: times },
        async (_, index) => (await browsers[index % browsers.length]!.fetch('/api/orders')).status,
      ),
    );

  it('is exchanged once, however many requests and replicas want it', async () => {
    const [here, there] = await signedIn(-1);
    identity.refreshDelayMs = 150;
    assert.deepEqual(new Set(await statuses([here, there], 50)), new Set([200]));
    assert.equal(identity.refreshes, 1);
    assert.equal(identity.endedFamilies.size, 0);
    const used = new Set(checkout.calls.slice(-50).map(({ headers }) => headers.authorization));
    assert.equal(used.size, 1);
    assert.deepEqual(new Set(await statuses([here, there], 10)), new Set([200]));
    assert.equal(identity.refreshes, 1);
  });

  it('is exchanged again and again over the life of a session', async () => {
    const [here, there] = await signedIn(-1);
    identity.tokenSeconds = 2;
    for (let round = 1; round <= 3; round += 1) {
      assert.deepEqual(new Set(await statuses([here, there], 10)), new Set([200]), `round ${round}`);
      const exchanged = round;
      await until(`exchange ${round + 1}`, async () => {
        const [status] = await statuses([here], 1);
        assert.equal(status, 200);
        return identity.refreshes > exchanged;
      });
    }
    assert.equal([...identity.endedFamilies].length, 0);
  });

  it('is exchanged behind the back of requests while there is time', async () => {
    const [here] = await signedIn(60);
    const generation = async (): Promise<unknown> => {
      const [row] = await database.database.query(
        'SELECT generation FROM bff.sessions ORDER BY created_at DESC LIMIT 1',
      );
      return row?.['generation'];
    };
    const held = Promise.withResolvers<void>();
    identity.refreshHeld = held.promise;
    assert.deepEqual(await statuses([here], 1), [200]);
    await until('the exchange', () => identity.refreshes === 1);
    assert.equal(await generation(), 0, 'the answer was there before the new token');
    held.resolve();
    await until('the new token is stored', async () => (await generation()) === 1);
  });

  it('still serves while identity is away, and not a second longer', async () => {
    const [here] = await signedIn(30);
    identity.outage = 503;
    assert.deepEqual(await statuses([here], 1), [200]);
    const [expired] = await signedIn(-1).catch(() => [null]);
    assert.equal(expired, null, 'nobody signs in while identity is away');
    identity.outage = null;
    const [other] = await signedIn(-1);
    identity.outage = 503;
    const response = await other.fetch('/api/orders');
    assert.equal(response.status, 503);
    assert.equal(((await response.json()) as { code: string }).code, 'unavailable');
    assert.notEqual(response.headers.get('retry-after'), null);
    identity.outage = null;
    await until('service resumes', async () => (await other.fetch('/api/orders')).status === 200);
  });

  it('ends the session when identity refuses the exchange', async () => {
    const [here, there] = await signedIn(-1);
    identity.live.clear();
    const response = await here.fetch('/api/orders');
    assert.equal(response.status, 401);
    assert.equal(((await response.json()) as { code: string }).code, 'unauthenticated');
    assert.equal((await here.session()).user, null);
    assert.equal((await there.session()).user, null);
    assert.equal(identity.refreshes, 1);
  });

  it('is exchanged by somebody else when its holder died on the way', async () => {
    const [here] = await signedIn(-1);
    await database.database.query(
      `UPDATE bff.sessions SET lease_holder = gen_random_uuid(), lease_until = now() + interval '0.4 seconds'
       WHERE created_at = (SELECT max(created_at) FROM bff.sessions)`,
    );
    assert.deepEqual(await statuses([here], 1), [200]);
    assert.equal(identity.refreshes, 1);
  });

  it('signed out in the middle of an exchange stays signed out', async () => {
    const [here] = await signedIn(-1);
    const { csrfToken } = (await (
      await fetch(`${here.origin}/api/session`, { headers: { cookie: here.cookie! } })
    ).json()) as { csrfToken: string };
    // The call above has exchanged the token already: make it due once more.
    await database.database.query(
      "UPDATE bff.sessions SET refresh_due_at = now() - interval '1 second', access_expires_at = now() - interval '1 second'",
    );
    identity.refreshDelayMs = 300;
    const before = identity.refreshes;
    const there = new Browser(replicas[1]!.origin);
    there.cookie = here.cookie;
    const waiting = there.fetch('/api/orders');
    await until('the exchange begins', () => identity.refreshes > before);
    assert.equal((await here.fetch('/api/auth/logout', { method: 'POST', csrf: csrfToken })).status, 204);
    assert.equal((await waiting).status, 401);
    assert.equal((await there.session()).user, null);
  });
});
