import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until, type TestDatabase } from '@ballast/testing';
import { FakeIdentity, FakeService, json } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

describe('a session', () => {
  const identity = new FakeIdentity();
  const checkout = new FakeService('checkout-1', (_request, response) =>
    json(response, 200, { items: [], nextCursor: null }),
  );
  let database: TestDatabase;
  let environment: Record<string, string>;
  let bff: Bff;

  before(async () => {
    database = await freshDatabase();
    await identity.start();
    await checkout.start();
    environment = { POSTGRES_URL: database.url, IDENTITY_URL: identity.origin, CHECKOUT_URLS: checkout.origin };
    bff = await startBff(environment);
  });
  after(async () => {
    await bff.stop();
    await identity.kill();
    await checkout.kill();
    await database.drop();
  });

  const rows = async (): Promise<Record<string, unknown>[]> =>
    await database.database.query('SELECT * FROM bff.sessions ORDER BY created_at');

  it('begins anonymous, with a cookie scripts cannot read and no row', async () => {
    const browser = new Browser(bff.origin);
    const session = await browser.session();
    assert.equal(session.user, null);
    assert.equal('lab' in session, false);
    assert.match(
      browser.lastSetCookie,
      /^ballast_session=[\w-]{43}\.[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    assert.equal((await rows()).length, 0);
    const again = await browser.session();
    assert.equal(again.csrfToken, session.csrfToken);
  });

  it('has Secure cookies where the public address is https, and says so in the lab', async () => {
    const other = await startBff({ ...environment, PUBLIC_URL: 'https://shop.example', LAB_MODE: '1' });
    try {
      const browser = new Browser(other.origin);
      assert.equal((await browser.session()).lab, true);
      assert.match(browser.lastSetCookie, /; Secure/);
    } finally {
      await other.stop();
    }
  });

  it('signs in under a new id, keeps tokens to itself and sealed in the database', async () => {
    const browser = new Browser(bff.origin);
    await browser.session();
    const anonymous = browser.cookie;
    const response = await browser.post('/api/auth/login', { email: 'demo@ballast.test', password: 'ballast-demo' });
    assert.equal(response.status, 200);
    const text = await response.text();
    assert.deepEqual(Object.keys(JSON.parse(text)), ['user']);
    assert.notEqual(browser.cookie, anonymous);
    const session = await browser.session();
    assert.equal(session.user?.email, 'demo@ballast.test');

    // The id known before signing in stays anonymous: session fixation gains nothing.
    const fixed = new Browser(bff.origin);
    fixed.cookie = anonymous;
    assert.equal((await fixed.session()).user, null);

    const stored = JSON.stringify(await rows(), (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    for (const token of identity.live.keys()) assert.equal(stored.includes(token), false);
    assert.equal(stored.includes('eyJ'), false);
    assert.equal(stored.includes(browser.cookie!.slice(16, 59)), false);
  });

  it('registers, and is signed in by it', async () => {
    const browser = new Browser(bff.origin);
    await browser.session();
    const account = { email: 'new@ballast.test', password: 'long enough 1' };
    const response = await browser.post('/api/auth/register', account);
    assert.equal(response.status, 201);
    assert.equal(((await response.json()) as { user: { email: string } }).user.email, account.email);
    assert.equal((await browser.session()).user?.email, account.email);
    const taken = await new Browser(bff.origin);
    await taken.session();
    assert.equal((await taken.post('/api/auth/register', account)).status, 409);
    assert.equal((await taken.session()).user, null);
  });

  it("relays identity's refusal and stays anonymous", async () => {
    const browser = new Browser(bff.origin);
    await browser.session();
    const response = await browser.post('/api/auth/login', { email: 'demo@ballast.test', password: 'wrong password' });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
    assert.equal(((await response.json()) as { code: string }).code, 'invalid-credentials');
    assert.equal((await browser.session()).user, null);
  });

  it('refuses every state-changing call without the right CSRF token', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const other = new Browser(bff.origin);
    await other.session();
    const order = { lines: [], payment: { provider: 'stripe', method: 'x' } };
    for (const csrf of [null, '', 'nonsense', other.csrfToken, browser.csrfToken.slice(1)]) {
      for (const path of ['/api/auth/login', '/api/auth/register', '/api/auth/logout', '/api/orders']) {
        const response = await browser.fetch(path, {
          method: 'POST',
          csrf,
          headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
          body: JSON.stringify(
            path === '/api/orders' ? order : { email: 'demo@ballast.test', password: 'ballast-demo' },
          ),
        });
        assert.equal(response.status, 403, `${path} with ${csrf}`);
        assert.equal(((await response.json()) as { code: string }).code, 'invalid-csrf-token');
      }
    }
    assert.equal((await browser.session()).user?.email, 'demo@ballast.test');
    const without = await fetch(`${bff.origin}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    assert.equal(without.status, 403);
  });

  it('takes a bearer token in place of cookie and CSRF token, and passes it on', async () => {
    const token = identity.accessToken();
    const response = await fetch(`${bff.origin}/api/orders`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 200);
    assert.equal(checkout.calls.at(-1)?.headers.authorization, `Bearer ${token}`);
    const post = await fetch(`${bff.origin}/api/orders`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: '{}',
    });
    assert.equal(post.status, 422);
    for (const authorization of ['Bearer x', 'Basic abc', 'Bearer', `Bearer ${token}x`]) {
      const refused = await fetch(`${bff.origin}/api/orders`, { headers: { authorization } });
      assert.equal(refused.status, 401, authorization);
    }
  });

  it('takes a tampered cookie for none', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const good = browser.cookie!;
    const value = good.split('=')[1]!;
    const flip = (text: string, at: number): string =>
      text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
    for (const bad of [
      flip(value, 0),
      flip(value, 50),
      value.slice(0, 43),
      `${value}x`,
      '',
      '%',
      value.replace('.', ''),
    ]) {
      const thief = new Browser(bff.origin);
      thief.cookie = `ballast_session=${bad}`;
      assert.equal((await thief.fetch('/api/orders')).status, 401, bad);
      assert.equal((await thief.session()).user, null, bad);
    }
    assert.equal((await browser.fetch('/api/orders')).status, 200);
  });

  it('survives a restart of the bff, and another replica knows it', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const replica = await startBff(environment);
    try {
      const moved = new Browser(replica.origin);
      moved.cookie = browser.cookie;
      assert.equal((await moved.session()).user?.email, 'demo@ballast.test');
    } finally {
      await replica.stop();
    }
    const changed = await startBff({ ...environment, SESSION_SECRET: 'another secret, of the right length too' });
    try {
      const moved = new Browser(changed.origin);
      moved.cookie = browser.cookie;
      assert.equal((await moved.session()).user, null);
    } finally {
      await changed.stop();
    }
  });

  it('ends at once when signed out, here and at identity', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    assert.equal((await browser.fetch('/api/orders')).status, 200);
    const old = { cookie: browser.cookie!, csrf: browser.csrfToken };
    const before = { logouts: identity.logouts, rows: (await rows()).length };
    assert.equal((await browser.post('/api/auth/logout')).status, 204);
    assert.notEqual(browser.cookie, old.cookie);
    const ghost = new Browser(bff.origin);
    ghost.cookie = old.cookie;
    assert.equal((await ghost.fetch('/api/orders')).status, 401);
    assert.equal((await ghost.session()).user, null);
    assert.equal(identity.logouts, before.logouts + 1);
    assert.equal((await rows()).length, before.rows - 1);
    ghost.cookie = old.cookie;
    assert.equal((await ghost.fetch('/api/auth/logout', { method: 'POST', csrf: old.csrf })).status, 204);
  });

  it('signed out while identity is away is over here, and identity is told later', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const cookie = browser.cookie;
    identity.outage = 503;
    const response = await browser.post('/api/auth/logout');
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '1');
    browser.cookie = cookie;
    assert.equal((await browser.fetch('/api/orders')).status, 401);
    identity.outage = null;
    const before = identity.logouts;
    assert.equal((await browser.fetch('/api/auth/logout', { method: 'POST' })).status, 204);
    assert.equal(identity.logouts, before + 1);
  });

  it('whose access token ran out is ended at identity all the same', async () => {
    identity.tokenSeconds = 1;
    const browser = new Browser(bff.origin);
    await browser.session();
    assert.equal(
      (await browser.post('/api/auth/login', { email: 'demo@ballast.test', password: 'ballast-demo' })).status,
      200,
    );
    const family = [...identity.live.values()].at(-1)!;
    const { csrfToken } = await browser.session();
    identity.tokenSeconds = 900;
    const signedInAt = Date.now();
    await until('the token is over', () => Date.now() > signedInAt + 1_100);
    assert.equal((await browser.fetch('/api/auth/logout', { method: 'POST', csrf: csrfToken })).status, 204);
    assert.ok(identity.endedFamilies.has(family));
  });

  it('forgets what ran out', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    await database.database.query("UPDATE bff.sessions SET expires_at = now() - interval '1 second'");
    const replica = await startBff(environment);
    try {
      const moved = new Browser(replica.origin);
      moved.cookie = browser.cookie;
      assert.equal((await moved.fetch('/api/orders')).status, 401);
    } finally {
      await replica.stop();
    }
  });
});
