import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until, type TestDatabase } from '@ballast/testing';
import { FakeIdentity, FakeService, json, type ReceivedRequest } from './fakes.ts';
import { Browser, freshDatabase, startBff, type Bff } from './support.ts';

describe('what goes through the bff', () => {
  const identity = new FakeIdentity();
  const service = new FakeService('service-1');
  let database: TestDatabase;
  let bff: Bff;

  before(async () => {
    database = await freshDatabase();
    await identity.start();
    await service.start();
    bff = await startBff({
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CATALOG_URLS: service.origin,
      CHECKOUT_URLS: service.origin,
      PAYMENTS_URL: service.origin,
    });
  });
  after(async () => {
    await bff.stop();
    await identity.kill();
    await service.kill();
    await database.drop();
  });
  beforeEach(() => {
    service.requests.length = 0;
    bff.complaints.length = 0;
    service.answer = (_request, response) => json(response, 200, { ok: true });
  });
  const last = (): ReceivedRequest => service.calls.at(-1)!;
  const order = {
    lines: [{ productId: randomUUID(), quantity: 2 }],
    payment: { provider: 'paypal', method: 'approve' },
  };

  it('reads that ask the same at once are one call in nobody’s name; another version is another', async () => {
    const path = `/api/products/${randomUUID()}`;
    const buyer = new Browser(bff.origin);
    await buyer.signIn();
    const socket = connect(Number(new URL(bff.origin).port), '127.0.0.1');
    const request = (headers: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
    let answers = '';
    socket.on('data', (data) => (answers += data.toString()));
    // In one piece, so that all are taken in at once.
    socket.write(request('') + request('If-None-Match: "1"\r\n') + request('') + request(''));
    await until('four answers', () => answers.match(/HTTP\/1\.1 200 OK/g)?.length === 4);
    socket.destroy();
    await buyer.fetch(path);
    const calls = service.calls.filter(({ url }) => url === path.slice('/api'.length));
    assert.deepEqual(
      calls.map(({ headers }) => [headers['if-none-match'], headers['authorization'] !== undefined]),
      [
        [undefined, false],
        ['"1"', false],
        // Later, by somebody who is known here.
        [undefined, false],
      ],
    );
  });

  it('webhooks reach payments byte for byte, with the headers their signatures need and no others', async () => {
    const bytes = Buffer.concat([Buffer.from('{ "a" : 1.0,\r\n"a":"\\u00e9" }'), randomBytes(1_000)]);
    const stripe = await fetch(`${bff.origin}/webhooks/stripe`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'stripe-signature': 't=1,v1=abc',
        cookie: 'ballast_session=x',
        authorization: 'Bearer y',
        'x-forwarded-for': '10.0.0.1',
      },
      body: bytes,
    });
    assert.equal(stripe.status, 200);
    assert.ok(last().body.equals(bytes));
    assert.equal(last().url, '/webhooks/stripe');
    assert.equal(last().headers['stripe-signature'], 't=1,v1=abc');
    assert.equal(last().headers['content-type'], 'application/json');
    for (const name of ['cookie', 'authorization', 'x-forwarded-for', 'user-agent', 'accept-encoding'])
      assert.equal(name in last().headers, false, name);

    const headers = Object.fromEntries(
      ['transmission-id', 'transmission-time', 'transmission-sig', 'cert-url', 'auth-algo'].map((name) => [
        `paypal-${name}`,
        `${name}-${'s'.repeat(400)}`,
      ]),
    );
    for (const body of [bytes, '', '{"broken":', new Uint8Array(256 * 1024)]) {
      const paypal = await fetch(`${bff.origin}/webhooks/paypal`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'text/plain' },
        body,
      });
      assert.equal(paypal.status, 200);
      assert.ok(last().body.equals(Buffer.from(body as Uint8Array)));
      for (const [name, value] of Object.entries(headers)) assert.equal(last().headers[name], value);
    }
    const large = await fetch(`${bff.origin}/webhooks/stripe`, {
      method: 'POST',
      body: new Uint8Array(256 * 1024 + 1),
    });
    assert.equal(large.status, 413);
  });

  it('requests carry trace, request id and token on, and nothing the caller made up', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await browser.post('/api/orders', order, {
      'idempotency-key': 'k-1',
      traceparent: `00-${trace}-00f067aa0ba902b7-01`,
      'x-request-id': 'r-1',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-host': 'evil.example',
      forwarded: 'for=10.0.0.1',
      te: 'trailers',
      'proxy-authorization': 'Basic x',
      'x-user-id': 'operator',
      'if-match': '"1"',
    });
    assert.equal(response.status, 200);
    const { headers, body } = last();
    assert.equal(headers.traceparent?.slice(3, 35), trace);
    assert.equal(headers['x-request-id'], 'r-1');
    assert.match(headers.authorization ?? '', /^Bearer eyJ/);
    assert.deepEqual(Object.keys(headers).sort(), [
      'accept',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'idempotency-key',
      'traceparent',
      'x-request-id',
    ]);
    assert.deepEqual(JSON.parse(body.toString()), order);
    await fetch(`${bff.origin}/api/products`, {
      headers: { 'x-request-id': 'a b', authorization: 'Bearer x', cookie: browser.cookie! },
    });
    assert.match(last().headers['x-request-id'] as string, /^[0-9a-f-]{36}$/);
    assert.equal('authorization' in last().headers, false);
  });

  it('answers bring no cookies or other headers of a service along', async () => {
    service.answer = (_request, response) =>
      json(
        response,
        200,
        {},
        {
          'set-cookie': 'inner=1',
          server: 'inner',
          'x-powered-by': 'inner',
          'access-control-allow-origin': '*',
          connection: 'close',
        },
      );
    const response = await fetch(`${bff.origin}/api/payment-methods`);
    for (const name of ['set-cookie', 'server', 'x-powered-by', 'access-control-allow-origin'])
      assert.equal(response.headers.get(name), null, name);
    assert.equal(response.headers.get('connection'), 'keep-alive');
  });

  it('queries are passed on as they were understood', async () => {
    await fetch(`${bff.origin}/api/products?query=a%26limit%3D99%20%C3%A9%23&limit=5`);
    assert.equal(last().url, '/products?query=a%26limit%3D99+%C3%A9%23&limit=5');
    await fetch(`${bff.origin}/api/sagas/place-order?x=1`);
    assert.equal(last().url, '/sagas/place-order');
    const id = randomUUID();
    assert.equal((await fetch(`${bff.origin}/api/products/${id}`, { method: 'HEAD' })).status, 200);
    assert.equal(last().method, 'GET');
    assert.equal(last().url, `/products/${id}`);
  });

  it('bad input stops at the bff with the right answer, and nothing is logged', async () => {
    const browser = new Browser(bff.origin);
    await browser.signIn();
    const key = { 'idempotency-key': 'k' };
    const line = order.lines[0]!;
    const send = async (path: string, body: unknown, headers: Record<string, string> = key): Promise<Response> =>
      await browser.post(path, body, headers);
    const table: [number, string, () => Promise<Response>][] = [
      [400, 'missing-idempotency-key', () => send('/api/orders', order, {})],
      [400, 'missing-idempotency-key', () => send('/api/orders', order, { 'idempotency-key': '' })],
      [422, 'invalid-input', () => send('/api/orders', order, { 'idempotency-key': 'a b' })],
      [422, 'invalid-input', () => send('/api/orders', order, { 'idempotency-key': 'k'.repeat(201) })],
      [422, 'invalid-input', () => send('/api/orders', { ...order, price: 1 })],
      ...[-1, 0, 1.5, 1e9, '1', null].map(
        (quantity) =>
          [422, 'invalid-input', () => send('/api/orders', { ...order, lines: [{ ...line, quantity }] })] as [
            number,
            string,
            () => Promise<Response>,
          ],
      ),
      [422, 'invalid-input', () => send('/api/orders', { ...order, lines: [] })],
      [422, 'invalid-input', () => send('/api/orders', { ...order, lines: [{ ...line, productId: 'x' }] })],
      [422, 'invalid-input', () => send('/api/orders', [])],
      [
        400,
        'malformed-json',
        () =>
          browser.fetch('/api/orders', {
            method: 'POST',
            headers: { ...key, 'content-type': 'application/json' },
            body: '{"lines":',
          }),
      ],
      [
        415,
        'unsupported-media-type',
        () =>
          browser.fetch('/api/orders', {
            method: 'POST',
            headers: { ...key, 'content-type': 'text/plain' },
            body: 'x',
          }),
      ],
      [
        413,
        'too-large',
        () =>
          browser.fetch('/api/orders', {
            method: 'POST',
            headers: { ...key, 'content-type': 'application/json' },
            body: `"${'x'.repeat(10 * 1024 * 1024)}"`,
          }),
      ],
      [422, 'invalid-input', () => browser.fetch('/api/orders/not-an-id')],
      [422, 'invalid-input', () => browser.fetch('/api/orders?limit=0')],
      [422, 'invalid-input', () => fetch(`${bff.origin}/api/products/1;drop`)],
      [422, 'invalid-input', () => fetch(`${bff.origin}/api/products?limit=x`)],
      [422, 'invalid-input', () => fetch(`${bff.origin}/api/products?limit=1&limit=2`)],
      [422, 'invalid-input', () => fetch(`${bff.origin}/api/products?other=1`)],
      [422, 'invalid-input', () => fetch(`${bff.origin}/api/products?query=%00`)],
      [401, 'invalid-credentials', () => send('/api/auth/login', { email: 'no address', password: 'x' })],
      [422, 'invalid-input', () => send('/api/auth/login', { email: 'a@b.cd' })],
      [422, 'invalid-input', () => send('/api/auth/register', { email: 'a@b.cd', password: 'short' })],
      [
        422,
        'invalid-input',
        () => send('/api/auth/login', { email: 'a@b.cd', password: 'long enough 1', admin: true }),
      ],
      [
        403,
        'forbidden',
        () =>
          browser.fetch(`/api/products/${randomUUID()}/stock`, {
            method: 'PUT',
            headers: { 'content-type': 'application/json', 'if-match': '"1"' },
            body: '{"onHand":1}',
          }),
      ],
      [
        401,
        'unauthenticated',
        () =>
          fetch(`${bff.origin}/api/orders`, {
            method: 'POST',
            headers: { ...key, 'content-type': 'application/json' },
            body: '{}',
          }),
      ],
      [404, 'not-found', () => fetch(`${bff.origin}/api/nothing`)],
      [404, 'not-found', () => fetch(`${bff.origin}/webhooks/other`, { method: 'POST', body: 'x' })],
      [404, 'not-found', () => fetch(`${bff.origin}/api/lab/anything`)],
    ];
    for (const [status, code, request] of table) {
      const response = await request();
      assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8', String(request));
      const problem = (await response.json()) as { code: string; detail: string };
      assert.deepEqual([response.status, problem.code], [status, code], `${String(request)}: ${problem.detail}`);
    }
    assert.deepEqual(service.calls, []);
    assert.deepEqual(bff.complaints, []);
  });

  it('an operator needs If-Match to correct stock', async () => {
    const operator = new Browser(bff.origin);
    await operator.signIn('operator@ballast.test', 'ballast-operator');
    const put = async (headers: Record<string, string>, body = '{"onHand":7}'): Promise<Response> =>
      await operator.fetch(`/api/products/${randomUUID()}/stock`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
    assert.equal((await put({})).status, 428);
    assert.equal((await put({ 'if-match': '"3"' }, '{"onHand":-1}')).status, 422);
    assert.equal(service.calls.length, 0);
    assert.equal((await put({ 'if-match': '"3"' })).status, 200);
    assert.equal(last().headers['if-match'], '"3"');
  });

  it('an operator decides about an order in review, and nobody else', async () => {
    const decide = async (browser: Browser, body: object): Promise<Response> =>
      await browser.fetch(`/api/orders/${orderId}/resolution`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const orderId = randomUUID();
    const decision = { decision: 'retry-refund', note: 'The bank has lifted its block.' };
    const customer = new Browser(bff.origin);
    await customer.signIn();
    assert.equal((await decide(customer, decision)).status, 403);
    const operator = new Browser(bff.origin);
    await operator.signIn('operator@ballast.test', 'ballast-operator');
    assert.equal((await decide(operator, { decision: 'retry-refund' })).status, 422);
    assert.equal(service.calls.length, 0);
    assert.equal((await decide(operator, decision)).status, 200);
    assert.equal(last().url, `/orders/${orderId}/resolution`);
    assert.deepEqual(JSON.parse(last().body.toString()), decision);
  });

  it('any bytes get an answer that is no 5xx, and the next request is unaffected', async () => {
    const port = Number(new URL(bff.origin).port);
    const raw = async (bytes: string | Buffer): Promise<string> =>
      await new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1');
        let text = '';
        socket.setTimeout(20_000, () =>
          socket.destroy(new Error(`no answer to ${JSON.stringify(bytes.toString().slice(0, 60))}`)),
        );
        socket.on('data', (chunk) => (text += chunk.toString('latin1')));
        socket.on('error', (error: NodeJS.ErrnoException) =>
          error.code === 'ECONNRESET' ? resolve(text) : reject(error),
        );
        socket.on('close', () => resolve(text));
        socket.write(bytes);
      });
    const get = (path: string, headers = ''): string =>
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\naccept: text/html\r\n${headers}\r\n`;
    const attempts: (string | Buffer)[] = [
      randomBytes(2_000),
      '\r\n\r\n\r\n\r\nx\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      get('/../../../etc/passwd'),
      get('/..%2f..%2fetc%2fpasswd.txt'),
      get('/%2e%2e/%2e%2e/etc/passwd.txt'),
      get('/%00.txt'),
      get('/%ff.txt'),
      get('/%'),
      get('/.env'),
      get('//evil.example/%2f..'),
      get('/api/products/%00'),
      get('/api/products/%E0%A4%A'),
      get('/api/products?query=%ff'),
      get('/api/products?__proto__[x]=1'),
      get('/api/products/../orders'),
      get('/api/orders/\xff\xfe'),
      get('/api/orders', 'cookie: ballast_session=\xff\xfe; =; ;;; a\r\n'),
      get('/api/orders', `cookie: ${'a=b; '.repeat(2_000)}\r\n`),
      get('/api/orders', 'authorization: Bearer \xff\r\n'),
      get('/api/products', 'x-request-id: \xff\r\ntraceparent: \xff\r\n'),
      get('/api/products', 'if-none-match: \xff\r\n'),
      get('/api/products', 'content-length: 5\r\ntransfer-encoding: chunked\r\n'),
      'POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\nstripe-signature: \xff\r\n\r\n{}',
      'POST /api/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      'PUT /api/products/x/stock HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      'TRACE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
      'DELETE /api/orders HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    ];
    for (const bytes of attempts) {
      const answer = await raw(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
      assert.doesNotMatch(answer, /^HTTP\/1\.1 50[0124-9]/, JSON.stringify(bytes.toString().slice(0, 80)));
      assert.doesNotMatch(answer, /root:|stack|node_modules/);
    }
    assert.equal((await fetch(`${bff.origin}/api/products`)).status, 200);
    assert.deepEqual(
      bff.complaints.filter(({ message }) => message === 'request failed'),
      [],
    );
  });
});
