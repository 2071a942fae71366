import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { RunningApp } from '@ballast/testing';
import { openBench, type Bench } from '../support.ts';

describe('wrong input', () => {
  let bench: Bench;
  let replica: RunningApp;
  let productId: string;
  before(async () => {
    bench = await openBench();
    replica = await bench.startReplica();
    productId = await bench.addProduct({ onHand: 10 });
  });
  after(() => bench.close());

  const everything = async (): Promise<string> => {
    const rows = await bench.database.query(
      `SELECT (SELECT jsonb_agg(p ORDER BY product_id) FROM products p) AS products, (SELECT count(*) FROM reservations) AS reservations`,
    );
    return JSON.stringify(rows);
  };

  interface Attempt {
    method?: string;
    path: string;
    body?: string;
    headers?: Record<string, string>;
    status: number;
    code: string;
    field?: string;
  }

  async function sweep(attempts: readonly Attempt[]): Promise<void> {
    const before = await everything();
    const told = replica.complaints.length;
    for (const { method = 'GET', path, body, headers = {}, status, code, field } of attempts) {
      const begun = performance.now();
      const response = await fetch(`${replica.url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      const name = `${method} ${path} ${(body ?? '').slice(0, 80)} → ${text.slice(0, 300)}`;
      assert.equal(response.status, status, name);
      assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8', name);
      const problem = JSON.parse(text) as { code: string; field?: string };
      assert.equal(problem.code, code, name);
      if (field !== undefined) assert.equal(problem.field, field, name);
      assert.doesNotMatch(text, /at .*\.ts|node_modules|SELECT|pg_/, 'nothing of the inside shows');
      // What can be made to work hard works for minutes, not for some seconds as a busy machine may.
      assert.ok(performance.now() - begun < 10_000, `${name} took too long`);
    }
    assert.equal(await everything(), before);
    assert.deepEqual(replica.complaints.slice(told), []);
    assert.equal((await fetch(`${replica.url}/products/${productId}`)).status, 200, 'the next request is unaffected');
  }

  it('in a query or a path is named and refused', async () => {
    const refused = (path: string, field: string): Attempt => ({ path, status: 422, code: 'invalid-input', field });
    await sweep([
      refused('/products?limit=0', 'limit'),
      refused('/products?limit=101', 'limit'),
      refused('/products?limit=-1', 'limit'),
      refused('/products?limit=ten', 'limit'),
      refused('/products?limit=1e400', 'limit'),
      refused('/products?limit=1&limit=2', 'limit'),
      refused(`/products?query=${'x'.repeat(101)}`, 'query'),
      refused('/products?query=a%00b', 'query'),
      refused('/products?query=a&query=b', 'query'),
      refused('/products?cursor=', 'cursor'),
      refused('/products?cursor=abc', 'cursor'),
      refused(`/products?cursor=${'A'.repeat(201)}`, 'cursor'),
      refused(`/products?cursor=${Buffer.from('[1,"x"]').toString('base64url')}`, 'cursor'),
      refused('/products?order=price', 'order'),
      refused('/products?__proto__=1', '__proto__'),
      refused('/products/1', 'id'),
      refused('/products/null', 'id'),
      refused(`/products/${productId}x`, 'id'),
      refused(`/products/${encodeURIComponent("' OR true --")}`, 'id'),
      { path: `/products/${randomUUIDv7()}`, status: 404, code: 'not-found' },
      { path: '/products/', status: 422, code: 'invalid-input' },
      { path: '/produkte', status: 404, code: 'not-found' },
      { method: 'DELETE', path: `/products/${productId}`, status: 404, code: 'not-found' },
    ]);
  });

  it('from callers who may not is refused before it is looked at', async () => {
    const headers = (token: string): Record<string, string> => ({
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'if-match': '"1"',
    });
    const attempts = (given: Record<string, string>, status: number, code: string): Attempt[] => [
      { method: 'PUT', path: `/products/${productId}/stock`, body: '{"onHand":1}', headers: given, status, code },
      { method: 'PUT', path: `/products/${productId}/stock`, body: '{', headers: given, status, code },
    ];
    const now = Math.floor(Date.now() / 1000);
    const good = bench.token('operator');
    const [head, claims, signature] = good.split('.') as [string, string, string];
    const forged = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    await sweep([
      ...attempts({ 'content-type': 'application/json' }, 401, 'unauthenticated'),
      ...attempts(headers(bench.token('customer')), 403, 'forbidden'),
      ...attempts(headers('nonsense'), 401, 'invalid-token'),
      ...attempts(headers(`${forged}.${claims}.`), 401, 'invalid-token'),
      ...attempts(headers(`${head}.${claims}.${signature.slice(0, -4)}AAAA`), 401, 'invalid-token'),
      ...attempts(headers(bench.token('operator', { exp: now - 1 })), 401, 'invalid-token'),
      ...attempts(headers(bench.token('operator', { iss: 'http://127.0.0.1:1' })), 401, 'invalid-token'),
      ...attempts(headers(bench.token('operator', { aud: 'tcp-gateway' })), 401, 'invalid-token'),
      ...attempts(headers(bench.token('operator', { roles: ['root'] })), 401, 'invalid-token'),
      ...attempts(headers(bench.token('operator', {}, { typ: 'device+jwt' })), 401, 'invalid-token'),
      ...attempts({ authorization: 'Basic b3BlcmF0b3I6' }, 401, 'invalid-token'),
      { method: 'POST', path: '/products/quote', body: '{}', status: 401, code: 'unauthenticated' },
    ]);
  });

  it('in a body is named and refused', async () => {
    const headers = {
      authorization: `Bearer ${bench.token('operator')}`,
      'content-type': 'application/json',
      'if-match': (await fetch(`${replica.url}/products/${productId}`)).headers.get('etag')!,
    };
    const stock = (body: string, status: number, code: string, field?: string): Attempt => ({
      method: 'PUT',
      path: `/products/${productId}/stock`,
      body,
      headers,
      status,
      code,
      ...(field === undefined ? {} : { field }),
    });
    const quote = (productIds: unknown, field: string): Attempt => ({
      method: 'POST',
      path: '/products/quote',
      body: JSON.stringify({ productIds }),
      headers,
      status: 422,
      code: 'invalid-input',
      field,
    });
    await sweep([
      ...['-1', '1.5', '1000001', '1e300', '"7"', 'null', 'true', '[7]', '{}'].map((value) =>
        stock(`{"onHand":${value}}`, 422, 'invalid-input', 'onHand'),
      ),
      stock('{}', 422, 'invalid-input', 'onHand'),
      stock('{"onHand":1,"price":1}', 422, 'invalid-input', 'price'),
      stock('[]', 422, 'invalid-input'),
      stock('7', 422, 'invalid-input'),
      stock('', 422, 'invalid-input'),
      stock('{"onHand":1', 400, 'malformed-json'),
      stock('{"__proto__":{"onHand":1}}', 400, 'malformed-json'),
      stock(`{"onHand":1,"x":"${'x'.repeat(10_000_000)}"}`, 413, 'too-large'),
      {
        ...stock('onHand=1', 415, 'unsupported-media-type'),
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      },
      quote([], 'productIds'),
      quote(
        Array.from({ length: 51 }, () => productId),
        'productIds',
      ),
      quote(['x'], 'productIds.0'),
      quote(productId, 'productIds'),
      quote([null], 'productIds.0'),
    ]);
  });

  it('that is not HTTP at all is answered and does no harm', async () => {
    const { port } = new URL(replica.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end('\u0000\u0001 hello\r\n\r\n'));
      let text = '';
      socket.setTimeout(20_000, () => reject(new Error('no answer')));
      socket.on('data', (data: Buffer) => (text += data.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 400 /);
    await sweep([]);
  });
});
