// What the clients make of slow, broken and misbehaving providers.

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createProviders, type Providers } from '../../src/clients/providers.ts';
import { authorize, close, ledgerOf, listen, newOrder, startBench, until, type Bench } from './harness.ts';

const unavailable = { name: 'ProviderUnavailable', retryable: true };
const protocolError = { name: 'ProviderProtocolError', retryable: false };

describe('a slow or forgetful stand-in', () => {
  let bench: Bench;
  before(async () => {
    bench = await startBench({
      clients: { timeoutMilliseconds: 1_000 },
      standIn: { delays: { slow: 200, very_slow: 2_500 } },
    });
  });
  after(() => bench.close());

  test('slow methods take their time and work', async () => {
    for (const [name, method] of [
      ['stripe', 'pm_standin_slow'],
      ['paypal', 'paypal_standin_slow'],
    ] as const) {
      const start = performance.now();
      await authorize(bench.providers[name], newOrder(), method);
      assert.ok(performance.now() - start >= 195);
    }
  });

  test('a call that exceeds the timeout can be repeated until it turns out to have worked', async () => {
    const { orderId, amount, currency, key } = newOrder();
    const method = 'pm_standin_very_slow';
    const input = { orderId, amount, currency, method, idempotencyKey: key('authorize') };
    await assert.rejects(bench.providers.stripe.authorize(input), unavailable, 'the timeout is kept');
    // Still under way: Stripe answers 409, which may pass.
    await assert.rejects(bench.providers.stripe.authorize(input), unavailable);
    const result = await until('the authorisation', async () => {
      try {
        return await bench.providers.stripe.authorize(input);
      } catch (error) {
        assert.equal((error as Error).name, 'ProviderUnavailable');
        return undefined;
      }
    });
    assert.equal(result.outcome, 'authorized');
    assert.deepEqual(await ledgerOf(bench, orderId), [
      { orderId, provider: 'stripe', currency: 'EUR', authorized: 1234, captured: 0, refunded: 0 },
    ]);
  });

  test('a reply lost after authorising is found again with the same key', async () => {
    const { orderId, amount, currency, key } = newOrder();
    const method = 'pm_standin_error_after_authorize';
    const input = { orderId, amount, currency, method, idempotencyKey: key('authorize') };
    await assert.rejects(bench.providers.stripe.authorize(input), unavailable);
    const again = await bench.providers.stripe.authorize(input);
    assert.equal(again.outcome, 'authorized');
    assert.deepEqual(await ledgerOf(bench, orderId), [
      { orderId, provider: 'stripe', currency: 'EUR', authorized: 1234, captured: 0, refunded: 0 },
    ]);
  });

  for (const [name, method] of [
    ['stripe', 'pm_standin_error_after_capture'],
    ['paypal', 'paypal_standin_error_after_capture'],
  ] as const) {
    test(`${method}: the lost reply is found again with the same key, and cancelling tells too`, async () => {
      const order = newOrder();
      const { orderId, amount, currency } = order;
      const provider = bench.providers[name];
      const reference = await authorize(provider, order, method);
      const input = { orderId, reference, amount, currency, idempotencyKey: order.key('capture') };
      await assert.rejects(provider.capture(input), unavailable);
      const cancelled = await provider.cancel({
        orderId,
        reference,
        idempotencyKey: order.key('cancel'),
      });
      assert.equal(cancelled.outcome, 'captured');
      assert.deepEqual(await provider.capture(input), cancelled);
      assert.deepEqual(await ledgerOf(bench, orderId), [
        { orderId, provider: name, currency: 'EUR', authorized: 1234, captured: 1234, refunded: 0 },
      ]);
    });
  }

  test('Stripe’s key used for something else is a protocol error and changes nothing', async () => {
    const order = newOrder();
    const { orderId, currency } = order;
    await authorize(bench.providers.stripe, order, 'pm_card_visa');
    const idempotencyKey = order.key('authorize');
    const other = { orderId, amount: 1, currency, method: 'pm_card_visa', idempotencyKey };
    await assert.rejects(bench.providers.stripe.authorize(other), protocolError);
  });

  test('PayPal’s request id used for another amount brings back the first order, which is noticed', async () => {
    const order = newOrder();
    const { orderId, currency } = order;
    await authorize(bench.providers.paypal, order, 'paypal_approve');
    const idempotencyKey = order.key('authorize');
    const other = { orderId, amount: 1, currency, method: 'paypal_approve', idempotencyKey };
    await assert.rejects(bench.providers.paypal.authorize(other), protocolError);
  });

  test('PayPal’s token is renewed when PayPal has forgotten it', async () => {
    await authorize(bench.providers.paypal, newOrder(), 'paypal_approve');
    bench.standIn.forgetAccessTokens();
    await authorize(bench.providers.paypal, newOrder(), 'paypal_approve');
  });

  test('wrong credentials are protocol errors', async () => {
    const wrong = createProviders({
      ...bench.options,
      stripe: { ...bench.options.stripe, secretKey: 'sk_test_wrong' },
      paypal: { ...bench.options.paypal, clientSecret: 'wrong' },
    });
    for (const provider of [wrong.stripe, wrong.paypal]) {
      await assert.rejects(authorize(provider, newOrder(), 'pm_card_visa'), protocolError);
    }
    await wrong.close();
  });
});

describe('a provider that misbehaves', () => {
  type Handler = (request: IncomingMessage, response: ServerResponse) => void;
  let handler: Handler;
  let requests = 0;
  let providers: Providers;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume();
    handler(request, response);
  });

  before(async () => {
    const apiBase = await listen(server);
    providers = createProviders({
      stripe: { apiBase, secretKey: 'sk_test_x', webhookSecret: 'whsec_x' },
      paypal: {
        apiBase,
        clientId: 'x',
        clientSecret: 'x',
        webhookId: 'x',
        certificateHosts: [],
      },
      timeoutMilliseconds: 300,
    });
  });
  after(async () => {
    await providers.close();
    await close(server);
  });

  const token = (response: ServerResponse): void => {
    response.end(JSON.stringify({ access_token: 'token', expires_in: 3600 }));
  };
  const answering =
    (status: number, body: string): Handler =>
    (request, response) => {
      if (request.url === '/v1/oauth2/token') return token(response);
      response.statusCode = status;
      response.end(body);
    };
  const intent = (fields: object): string =>
    JSON.stringify({
      id: 'pi_1',
      object: 'payment_intent',
      status: 'requires_capture',
      amount: 1234,
      amount_capturable: 1234,
      amount_received: 0,
      currency: 'eur',
      latest_charge: 'ch_1',
      metadata: { order_id: 'order' },
      ...fields,
    });
  const input = {
    orderId: 'order',
    amount: 1234,
    currency: 'EUR',
    method: 'pm_card_visa',
    idempotencyKey: 'key',
  };

  test('gateway pages, rate limits and conflicts are transient, whatever their body', async () => {
    for (const status of [408, 409, 429, 500, 502, 503, 504]) {
      handler = answering(status, '<html>Bad gateway</html>');
      for (const provider of [providers.stripe, providers.paypal]) {
        const before = requests;
        await assert.rejects(provider.authorize(input), unavailable);
        assert.ok(requests - before <= (provider.name === 'paypal' ? 2 : 1), 'is not repeated');
      }
    }
  });

  test('closed connections and silence are transient, and not repeated by us', async () => {
    for (const misbehave of [
      (_request: IncomingMessage, response: ServerResponse) => {
        response.destroy();
      },
      (_request: IncomingMessage, response: ServerResponse) => {
        response.write('{');
        setTimeout(() => response.destroy(), 10);
      },
      () => undefined,
    ]) {
      handler = (request, response) =>
        request.url === '/v1/oauth2/token' ? token(response) : misbehave(request, response);
      for (const provider of [providers.stripe, providers.paypal]) {
        const before = requests;
        await assert.rejects(provider.authorize(input), unavailable);
        assert.ok(requests - before <= (provider.name === 'paypal' ? 2 : 1), 'is not repeated');
      }
    }
  });

  test('a reply that drips in slower than the timeout is given up', async () => {
    handler = (request, response) => {
      if (request.url === '/v1/oauth2/token') return token(response);
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
    };
    // Nothing but the timeout ends the drip.
    for (const provider of [providers.stripe, providers.paypal])
      await assert.rejects(provider.authorize(input), unavailable);
  });

  test('nobody listening is transient', async () => {
    const gone = createServer();
    const apiBase = await listen(gone);
    await close(gone);
    const nobody = createProviders({
      stripe: { apiBase, secretKey: 'sk_test_x', webhookSecret: 'x' },
      paypal: { apiBase, clientId: 'x', clientSecret: 'x', webhookId: 'x', certificateHosts: [] },
    });
    await assert.rejects(nobody.stripe.authorize(input), unavailable);
    await assert.rejects(nobody.paypal.authorize(input), unavailable);
    await assert.rejects(nobody.listMethods(), unavailable);
    await nobody.close();
  });

  test('replies that are not the API’s are protocol errors', async () => {
    for (const [status, body] of [
      [200, 'hello'],
      [200, '{}'],
      [200, 'null'],
      [302, ''],
      [403, '{"error":{"message":"no","type":"invalid_request_error"}}'],
    ] as const) {
      handler = answering(status, body);
      await assert.rejects(providers.stripe.authorize(input), protocolError, `${status} ${body}`);
      await assert.rejects(providers.paypal.authorize(input), protocolError, `${status} ${body}`);
    }
    handler = answering(200, `"${'x'.repeat(2 * 1024 * 1024)}"`);
    await assert.rejects(providers.stripe.authorize(input), protocolError);
    await assert.rejects(providers.paypal.authorize(input), protocolError);
  });

  test('a payment for something else than was asked is a protocol error', async () => {
    for (const fields of [
      { amount: 1 },
      { amount: '1234' },
      { currency: 'usd' },
      { metadata: { order_id: 'another' } },
      { metadata: {} },
      { id: '' },
    ]) {
      handler = answering(200, intent(fields));
      await assert.rejects(providers.stripe.authorize(input), protocolError, JSON.stringify(fields));
    }
    const order = (fields: object) =>
      JSON.stringify({
        id: 'ORDER',
        status: 'COMPLETED',
        purchase_units: [
          {
            payments: {
              authorizations: [
                {
                  id: 'AUTH',
                  status: 'CREATED',
                  custom_id: 'order',
                  amount: { currency_code: 'EUR', value: '12.34' },
                  ...fields,
                },
              ],
            },
          },
        ],
      });
    handler = answering(201, order({}));
    assert.equal((await providers.paypal.authorize(input)).outcome, 'authorized');
    for (const fields of [
      { custom_id: 'another' },
      { amount: { currency_code: 'USD', value: '12.34' } },
      { amount: { currency_code: 'EUR', value: '12.35' } },
      { amount: { currency_code: 'EUR', value: '12.345' } },
      { amount: { currency_code: 'EUR', value: '1e3' } },
      { amount: 1234 },
    ]) {
      handler = answering(201, order(fields));
      await assert.rejects(providers.paypal.authorize(input), protocolError, JSON.stringify(fields));
    }
  });

  test('payments the provider is not done with are asked for again', async () => {
    handler = answering(200, intent({ status: 'processing' }));
    await assert.rejects(providers.stripe.authorize(input), unavailable);
  });

  test('many callers share one request for PayPal’s token', async () => {
    let tokens = 0;
    const fresh = createProviders({
      stripe: { apiBase: 'http://127.0.0.1:9', secretKey: 'x', webhookSecret: 'x' },
      paypal: {
        apiBase: await Promise.resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}`),
        clientId: 'x',
        clientSecret: 'x',
        webhookId: 'x',
        certificateHosts: [],
      },
    });
    handler = (request, response) => {
      if (request.url === '/v1/oauth2/token') {
        tokens += 1;
        return token(response);
      }
      response.statusCode = 422;
      response.end('{"name":"UNPROCESSABLE_ENTITY","details":[{"issue":"INSTRUMENT_DECLINED"}]}');
    };
    const results = await Promise.all(Array.from({ length: 20 }, () => fresh.paypal.authorize(input)));
    assert.ok(results.every((result) => result.outcome === 'declined'));
    assert.equal(tokens, 1);
    await fresh.close();
  });
});
