import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestDatabase } from '@ballast/testing';
import { freshDatabase, startBff, type Bff } from './support.ts';

describe('the pages', () => {
  let database: TestDatabase;
  let directory: string;
  let bff: Bff;

  before(async () => {
    database = await freshDatabase();
    const parent = await mkdtemp(join(tmpdir(), 'bff-pages-'));
    directory = join(parent, 'dist');
    await mkdir(join(directory, 'assets'), { recursive: true });
    await writeFile(join(parent, 'secret.txt'), 'classified');
    await writeFile(join(directory, '.hidden.txt'), 'classified');
    await writeFile(join(directory, 'index.html'), '<!doctype html><title>Ballast</title>');
    await writeFile(join(directory, 'assets/index-B1a2c3.js'), 'console.log(1)');
    await writeFile(join(directory, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
    bff = await startBff({ POSTGRES_URL: database.url, STOREFRONT_DIST: directory });
  });
  after(async () => {
    await bff.stop();
    await database.drop();
    await rm(join(directory, '..'), { recursive: true });
  });

  const get = async (path: string, accept = 'text/html', origin = bff.origin): Promise<Response> =>
    await fetch(origin + path, { headers: { accept } });

  it('are index.html at every address of the shop, never stale', async () => {
    for (const path of [
      '/',
      '/orders/0198c1c4-7a5b-7e3a-9a67-1f1f3f6f8a55',
      '/products/some-slug?from=list',
      '/chaos',
      '/apiary',
    ]) {
      const response = await get(path, 'text/html,application/xhtml+xml');
      assert.equal(response.status, 200, path);
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(response.headers.get('cache-control'), 'no-cache');
      assert.match(await response.text(), /<title>Ballast/);
    }
  });

  it('allow nothing but their own origin', async () => {
    const { headers } = await get('/');
    const policy = headers.get('content-security-policy')!.split(';');
    for (const directive of [
      "default-src 'self'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      "connect-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "form-action 'self'",
    ]) {
      assert.ok(policy.includes(directive), directive);
    }
    assert.doesNotMatch(policy.join(';'), /unsafe|upgrade-insecure|http/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('strict-transport-security'), null);
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
  });

  it('have assets that never change, and files that are checked', async () => {
    const asset = await get('/assets/index-B1a2c3.js', '*/*');
    assert.equal(asset.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.match(asset.headers.get('content-type')!, /javascript/);
    const icon = await get('/favicon.svg', '*/*');
    assert.equal(icon.headers.get('content-type'), 'image/svg+xml');
    const etag = icon.headers.get('etag')!;
    const again = await fetch(`${bff.origin}/favicon.svg`, {
      headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' },
    });
    assert.equal(again.status, 304);
    assert.equal((await fetch(`${bff.origin}/`, { method: 'HEAD', headers: { accept: 'text/html' } })).status, 200);
  });

  it('are not what unknown files, API paths and programs get', async () => {
    for (const [path, accept] of [
      ['/assets/missing-abc.js', '*/*'],
      ['/missing.png', 'text/html'],
      ['/.hidden.txt', 'text/html'],
      ['/..%2fsecret.txt', 'text/html'],
      ['/%2e%2e%2fsecret.txt', 'text/html'],
      ['/assets', 'application/json'],
      ['/nothing', 'application/json'],
      ['/api', 'text/html'],
      ['/api/nothing', 'text/html'],
      ['/webhooks/x', 'text/html'],
      ['/healthz/x', 'text/html'],
    ] as const) {
      const response = await get(path, accept);
      const text = await response.text();
      assert.ok([404, 403, 400].includes(response.status), `${path}: ${response.status}`);
      assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8', path);
      assert.doesNotMatch(text, /classified/);
    }
    assert.equal((await fetch(`${bff.origin}/`, { method: 'POST', headers: { accept: 'text/html' } })).status, 404);
  });

  it('say that they are not built when they are not, while the API works', async () => {
    for (const environment of [{}, { STOREFRONT_DIST: join(directory, 'nowhere') }]) {
      const bare = await startBff({ POSTGRES_URL: database.url, ...environment });
      try {
        const response = await get('/', 'text/html', bare.origin);
        assert.equal(response.status, 503);
        assert.match(((await response.json()) as { detail: string }).detail, /storefront is not built/);
        assert.equal((await fetch(`${bare.origin}/api/session`)).status, 200);
      } finally {
        await bare.stop();
      }
    }
  });

  it('leave the operational addresses alone', async () => {
    assert.equal((await get('/healthz')).status, 200);
    const { paths } = (await (await get('/openapi.json')).json()) as { paths: Record<string, unknown> };
    assert.deepEqual(Object.keys(paths).sort(), [
      '/api/auth/login',
      '/api/auth/logout',
      '/api/auth/register',
      '/api/claims',
      '/api/claims/{id}',
      '/api/claims/{id}/decision',
      '/api/metrics/panels',
      '/api/metrics/panels/{id}',
      '/api/orders',
      '/api/orders/{id}',
      '/api/orders/{id}/events',
      '/api/orders/{id}/resolution',
      '/api/payment-methods',
      '/api/products',
      '/api/products/{id}',
      '/api/products/{id}/stock',
      '/api/sagas/place-order',
      '/api/session',
      '/webhooks/paypal',
      '/webhooks/stripe',
    ]);
  });
});
