import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { partUrl, until, type TestDatabase } from '@ballast/testing';
import { FakeIdentity, FakeService } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

const productPath = `/api/products/${randomUUID()}`;

describe('the rate limit', () => {
  const identity = new FakeIdentity();
  const catalog = new FakeService('catalog-1');
  const payments = new FakeService('payments-1');
  let database: TestDatabase;
  let bffs: Bff[] = [];

  before(async () => {
    await Promise.all([identity.start(), catalog.start(), payments.start()]);
    database = await freshDatabase();
    const environment = {
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CATALOG_URLS: catalog.origin,
      PAYMENTS_URL: payments.origin,
      REDIS_URL: partUrl('REDIS'),
      // Buckets are named by it: this run has its own.
      SESSION_SECRET: randomBytes(32).toString('hex'),
      RATE_LIMIT_BURST: '8',
      RATE_LIMIT_PER_SECOND: '1',
      CREDENTIALS_BURST: '4',
      CREDENTIALS_PER_SECOND: '1',
    };
    bffs = await Promise.all([startBff(environment), startBff(environment)]);
    const shared = async (bff: Bff): Promise<boolean> =>
      (await bff.server.inject({ url: '/metrics', headers: { host: 'x' } })).body.match(
        /^bff_rate_limit_local\S* 0$/m,
      ) !== null;
    await until('the bffs to have Redis', async () => (await Promise.all(bffs.map(shared))).every(Boolean));
  });

  after(async () => {
    await Promise.all(bffs.map((bff) => bff.stop()));
    await database.drop();
    await Promise.all([identity.kill(), catalog.kill(), payments.kill()]);
  });

  /** Waits as told until it is not refused. */
  const patiently = (ask: () => Promise<Response>): Promise<Response> =>
    until('not to be refused', async () => {
      const response = await ask();
      if (response.status !== 429) return response;
      await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get('retry-after')) * 1_000));
      return null;
    });

  /** Spends what there is. The next token is due in almost a second then, and a refusal that follows at once is certain. */
  const empty = async (ask: () => Promise<Response>): Promise<void> => {
    let accepted = false;
    await until('an empty bucket', async () => {
      const before = accepted;
      accepted = (await ask()).status !== 429;
      return before && !accepted;
    });
  };

  it('is one for all replicas, refuses with the time to wait, and asks nobody behind', async () => {
    const before = catalog.calls.length;
    const startedAt = performance.now();
    const answers: Response[] = [];
    for (let turn = 0; turn < 20; turn += 1) answers.push(await fetch(`${bffs[turn % 2]!.origin}${productPath}`));
    const accepted = answers.filter(({ status }) => status === 200).length;
    const cameBack = (performance.now() - startedAt) / 1_000;
    assert.ok(accepted >= 6 && accepted <= 8 + cameBack, `${accepted} accepted, ${cameBack} tokens came back`);
    assert.equal(catalog.calls.length - before, accepted);
    const refused = answers.find(({ status }) => status === 429)!;
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.equal(refused.headers.get('ratelimit-limit'), '8');
    assert.equal(refused.headers.get('ratelimit-remaining'), '0');
    assert.equal(refused.headers.get('x-instance'), 'bff-test');
    const document = (await refused.json()) as { code: string; retryable: boolean };
    assert.deepEqual([document.code, document.retryable], ['rate-limited', true]);
  });

  it('gives a caller who waited as long as it was told a token', async () => {
    const url = `${bffs[0]!.origin}${productPath}`;
    const refused = await until('a refusal', async () => {
      const response = await fetch(url);
      return response.status === 429 ? response : null;
    });
    await new Promise((resolve) => setTimeout(resolve, Number(refused.headers.get('retry-after')) * 1_000));
    assert.equal((await fetch(url)).status, 200);
  });

  it('counts anonymous visitors by address, whatever headers and cookies they bring', async () => {
    const visitor = new Browser(bffs[0]!.origin);
    const byte = (): number => randomBytes(1)[0]!;
    const forgeries: Record<string, () => Record<string, string>> = {
      'another address': () => {
        const address = `10.${byte()}.${byte()}.${byte()}`;
        return { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` };
      },
      'another session': () => {
        const [id, signature] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64url'));
        return { cookie: `ballast_session=${id}.${signature}` };
      },
      'another token': () => ({ authorization: `Bearer ${randomUUID()}` }),
    };
    for (const [what, forge] of Object.entries(forgeries)) {
      // New ones each time: if they were worth a bucket, that would be a full one. A machine that is held up for a second
      // in between has a token again, and then it is tried again.
      await until(`a refusal of ${what}`, async () => {
        await empty(() => fetch(`${bffs[0]!.origin}${productPath}`));
        return (await fetch(`${bffs[0]!.origin}${productPath}`, { headers: forge() })).status === 429;
      });
    }
    // A cookie of ours that anybody can have is worth no bucket either.
    await patiently(() => visitor.fetch('/api/session'));
    assert.ok(visitor.cookie !== null);
    await until('a refusal', async () => (await visitor.fetch(productPath)).status === 429);
  });

  it('gives whoever has signed in a bucket of their own', async () => {
    const browser = new Browser(bffs[0]!.origin);
    const session = await patiently(() => browser.fetch('/api/session'));
    browser.csrfToken = ((await session.json()) as { csrfToken: string }).csrfToken;
    const credentials = { email: 'demo@ballast.test', password: 'ballast-demo' };
    assert.equal((await patiently(() => browser.post('/api/auth/login', credentials))).status, 200);
    await empty(() => fetch(`${bffs[0]!.origin}${productPath}`));
    assert.equal((await browser.fetch(productPath)).status, 200);
    const token = identity.accessToken();
    const headers = { authorization: `Bearer ${token}` };
    const orders = await fetch(`${bffs[0]!.origin}/api/orders`, { headers });
    assert.equal(orders.status, 503, 'checkout is not there, but the limit let it through');
  });

  it('limits passwords by address, apart from everything else', async () => {
    const browser = new Browser(bffs[0]!.origin);
    const session = await patiently(() => browser.fetch('/api/session'));
    browser.csrfToken = ((await session.json()) as { csrfToken: string }).csrfToken;
    const startedAt = performance.now();
    let tried = 0;
    await until('a refusal', async () => {
      const { status } = await browser.post('/api/auth/login', { email: 'a@b.test', password: 'wrong' });
      if (status === 401) tried += 1;
      return status === 429;
    });
    const cameBack = (performance.now() - startedAt) / 1_000;
    assert.ok(tried <= 4 + cameBack, `${tried} tried, ${cameBack} tokens came back`);
  });

  it('leaves webhooks, health and metrics alone', async () => {
    await empty(() => fetch(`${bffs[0]!.origin}${productPath}`));
    for (let turn = 0; turn < 15; turn += 1) {
      const webhook = await fetch(`${bffs[0]!.origin}/webhooks/stripe`, { method: 'POST', body: '{}' });
      assert.equal(webhook.status, 200);
      assert.equal((await fetch(`${bffs[0]!.origin}/healthz`)).status, 200);
    }
    const metrics = await (await fetch(`${bffs[0]!.origin}/metrics`)).text();
    assert.match(metrics, /bff_rate_limited_total\{.*bucket="default".*\} [1-9]/);
    assert.doesNotMatch(metrics, /bff_rate_limited_total\{.*bucket="webhooks"/);
  });
});
