// PayPal's certificate URL comes from whoever sends the webhook: what is fetched, and what is believed.

import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { generate } from 'selfsigned';
import type { WebhookHeaders } from '../../src/clients/provider.ts';
import { createProviders, type Providers } from '../../src/clients/providers.ts';
import { close, listen } from './harness.ts';

const DAY = 24 * 60 * 60 * 1000;
const body = Buffer.from(
  JSON.stringify({
    id: 'WH-1',
    event_type: 'PAYMENT.CAPTURE.COMPLETED',
    create_time: new Date().toISOString(),
    resource: {
      id: 'CAPTURE1',
      status: 'COMPLETED',
      custom_id: 'order',
      amount: { currency_code: 'EUR', value: '12.34' },
      supplementary_data: { related_ids: { authorization_id: 'AUTH1' } },
    },
  }),
);

async function certificate(from: number, to: number): Promise<{ key: KeyObject; pem: string }> {
  const made = await generate([{ name: 'commonName', value: 'test' }], {
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() + from),
    notAfterDate: new Date(Date.now() + to),
  });
  return { key: createPrivateKey(made.private), pem: made.cert };
}

const pages = new Map<string, (response: ServerResponse) => void>();
let fetched: string[] = [];
const server = createServer((request, response) => {
  fetched.push(request.url ?? '');
  const page = pages.get(request.url ?? '');
  if (page !== undefined) return page(response);
  response.statusCode = 404;
  response.end();
});
const elsewhere = createServer((_request, response) => {
  fetched.push('elsewhere');
  response.end();
});

let base: string;
let elsewhereBase: string;
let good: { key: KeyObject; pem: string };
let providers: Providers;

function connect(certificateHosts: string[]): Providers {
  return createProviders({
    stripe: { apiBase: base, secretKey: 'x', webhookSecret: 'x' },
    paypal: {
      apiBase: base,
      clientId: 'x',
      clientSecret: 'x',
      webhookId: 'WEBHOOK-1',
      certificateHosts,
    },
    timeoutMilliseconds: 300,
  });
}

function signedHeaders(url: string, key: KeyObject, change: WebhookHeaders = {}): WebhookHeaders {
  const time = new Date().toISOString();
  const signature = sign('sha256', Buffer.from(`id|${time}|WEBHOOK-1|${crc32(body)}`), key);
  return {
    'paypal-transmission-id': 'id',
    'paypal-transmission-time': time,
    'paypal-transmission-sig': signature.toString('base64'),
    'paypal-cert-url': url,
    'paypal-auth-algo': 'SHA256withRSA',
    ...change,
  };
}

function refuses(headers: WebhookHeaders, reason: string, by = providers) {
  return assert.rejects(by.paypal.verifyWebhook(body, headers), { name: 'WebhookRejected', reason });
}

before(async () => {
  base = await listen(server);
  elsewhereBase = await listen(elsewhere);
  good = await certificate(-DAY, DAY);
  pages.set('/v1/notifications/certs/CERT-good', (response) => response.end(good.pem));
  providers = connect([new URL(base).host]);
});
after(async () => {
  await providers.close();
  await close(server);
  await close(elsewhere);
});

test('a webhook signed by a listed host’s certificate is believed, and the certificate fetched once', async () => {
  fetched = [];
  const url = `${base}/v1/notifications/certs/CERT-good`;
  const many = Array.from({ length: 10 }, () => providers.paypal.verifyWebhook(body, signedHeaders(url, good.key)));
  for (const { fact } of await Promise.all(many)) {
    assert.deepEqual(fact, {
      kind: 'captured',
      reference: 'AUTH1',
      captureReference: 'CAPTURE1',
      amount: 1234,
      currency: 'EUR',
    });
  }
  assert.deepEqual(fetched, ['/v1/notifications/certs/CERT-good']);
});

test('certificates of other places are not even asked for', async () => {
  fetched = [];
  const { port } = new URL(base);
  const path = '/v1/notifications/certs/CERT-good';
  for (const url of [
    `${elsewhereBase}${path}`,
    `http://127.0.0.2:${port}${path}`,
    `http://localhost:${port}${path}`,
    `https://api.paypal.com.evil.example${path}`,
    `https://api.paypal.com@127.0.0.1:${port}${path}`,
    `http://user:word@127.0.0.1:${port}${path}`,
    `ftp://127.0.0.1:${port}${path}`,
    `file://${path}`,
    `${base}/elsewhere/CERT-good`,
    `${base}/v1/notifications/certs/../../../ledger`,
    `${base}/v1/notifications/certs/a%2Fb`,
    `${base}${path}?x=1`,
    `${base}${path}#x`,
    'not a url',
  ]) {
    await refuses(signedHeaders(url, good.key), 'untrusted_certificate_url');
  }
  assert.deepEqual(fetched, []);
});

test('http is refused for a host that is listed but not loopback, and an unlisted port is refused', async () => {
  const listing = connect(['api.paypal.com', 'certs.example:8443', '127.0.0.1']);
  const path = '/v1/notifications/certs/CERT-good';
  for (const url of [
    `http://api.paypal.com${path}`,
    `https://api.paypal.com:8443${path}`,
    `https://certs.example${path}`,
    `${base}${path}`,
  ]) {
    await refuses(signedHeaders(url, good.key), 'untrusted_certificate_url', listing);
  }
  await listing.close();
});

describe('a certificate', () => {
  const serve = (name: string, page: (response: ServerResponse) => void): string => {
    const path = `/v1/notifications/certs/${name}`;
    pages.set(path, page);
    return `${base}${path}`;
  };

  test('that is expired or not yet valid is refused', async () => {
    for (const [name, from, to] of [
      ['CERT-old', -2 * DAY, -DAY],
      ['CERT-early', DAY, 2 * DAY],
    ] as const) {
      const made = await certificate(from, to);
      const url = serve(name, (response) => response.end(made.pem));
      await refuses(signedHeaders(url, made.key), 'invalid_certificate');
    }
  });

  test('that is none is refused', async () => {
    const url = serve('CERT-text', (response) => response.end('hello'));
    await refuses(signedHeaders(url, good.key), 'invalid_certificate');
  });

  test('behind a redirect is not followed', async () => {
    fetched = [];
    const url = serve('CERT-moved', (response) => {
      response.writeHead(302, { location: `${elsewhereBase}/v1/notifications/certs/CERT-good` });
      response.end();
    });
    await refuses(signedHeaders(url, good.key), 'invalid_certificate');
    assert.deepEqual(fetched, ['/v1/notifications/certs/CERT-moved']);
  });

  test('that is missing is not an outage, and is not asked for at once again', async () => {
    fetched = [];
    const url = `${base}/v1/notifications/certs/CERT-missing`;
    for (let times = 0; times < 2; times += 1) await refuses(signedHeaders(url, good.key), 'invalid_certificate');
    assert.equal(fetched.length, 1);
  });

  test('that is huge or slow is unavailable, which may pass, and is not asked for at once again', async () => {
    fetched = [];
    const urls = [
      serve('CERT-huge', (response) => response.end('x'.repeat(1024 * 1024))),
      serve('CERT-slow', () => undefined),
    ];
    for (const url of [...urls, ...urls]) {
      await assert.rejects(providers.paypal.verifyWebhook(body, signedHeaders(url, good.key)), {
        reason: 'certificate_unavailable',
        retryable: true,
      });
    }
    assert.equal(fetched.length, 2);
  });

  test('does not vouch for a signature made with another key', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const url = `${base}/v1/notifications/certs/CERT-good`;
    await refuses(signedHeaders(url, privateKey), 'bad_signature');
  });
});

test('headers that are odd are refused before anything is fetched', async () => {
  fetched = [];
  const url = `${base}/v1/notifications/certs/CERT-unseen`;
  const cases: [WebhookHeaders, string][] = [
    [{ 'paypal-auth-algo': 'SHA1withRSA' }, 'unsupported_algorithm'],
    [{ 'paypal-auth-algo': 'none' }, 'unsupported_algorithm'],
    [{ 'paypal-transmission-time': 'yesterday' }, 'malformed_header'],
    [{ 'paypal-transmission-time': '2026-13-45T99:00:00Z' }, 'malformed_header'],
    [{ 'paypal-transmission-time': '1700000000' }, 'malformed_header'],
    [{ 'paypal-transmission-id': ['a', 'b'] }, 'malformed_header'],
    [{ 'paypal-transmission-id': 'x'.repeat(1000) }, 'malformed_header'],
    [{ 'paypal-transmission-sig': '' }, 'missing_header'],
  ];
  for (const [change, reason] of cases) await refuses(signedHeaders(url, good.key, change), reason);
  assert.deepEqual(fetched, []);
});
