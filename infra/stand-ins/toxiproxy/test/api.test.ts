/** The HTTP API as the official client and hostile callers use it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Toxiproxy } from 'toxiproxy-node-client';
import { startToxiproxyStandIn } from '../src/index.ts';
import { poison, startProxied } from './support.ts';

type Answer = { status: number; body: unknown };

async function call(url: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

test('the official client makes, lists, changes and removes proxies and toxics', async (t) => {
  const { toxiproxy, proxy, upstream } = await startProxied(t);
  assert.match(await toxiproxy.getVersion(), /stand-in/);
  assert.deepEqual(Object.keys(await toxiproxy.getAll()), ['shop.postgres']);
  const toxic = await poison(proxy, 'latency', 'upstream', { latency: 5 });
  assert.deepEqual(toxic.attributes, { latency: 5, jitter: 0 });
  const changed = await toxic.update({ ...toxic.toJson(), attributes: { jitter: 2 } });
  assert.deepEqual(changed.attributes, { latency: 5, jitter: 2 });
  assert.deepEqual((await proxy.getToxic('latency_upstream')).toJson(), changed.toJson());
  await changed.remove();
  await assert.rejects(proxy.getToxic('latency_upstream'), /404/);
  const found = await toxiproxy.get('shop.postgres');
  assert.deepEqual(found.toJson(), {
    name: 'shop.postgres',
    listen: proxy.listen,
    upstream: upstream.address,
    enabled: true,
  });
  await proxy.remove();
  await assert.rejects(toxiproxy.get('shop.postgres'), /404/);
});

test('populate leaves a proxy at the same addresses alone, with its connections and toxics', async (t) => {
  const { toxiproxy, proxy, connect } = await startProxied(t);
  await poison(proxy, 'latency', 'upstream', { latency: 1 });
  const client = await connect();
  client.socket.write('a');
  await client.receives('a');
  const made = await toxiproxy.populate([
    { name: proxy.name, listen: proxy.listen, upstream: proxy.upstream },
    { name: 'other', listen: '127.0.0.1:0', upstream: '127.0.0.1:1', enabled: false },
  ]);
  assert.deepEqual(Object.keys(made), ['shop.postgres', 'other']);
  assert.equal(made['other']?.enabled, false);
  client.socket.write('b');
  await client.receives('ab');
  const replaced = await toxiproxy.populate([{ name: proxy.name, listen: proxy.listen, upstream: '127.0.0.1:1' }]);
  await client.closes();
  await assert.rejects(replaced['shop.postgres']?.getToxic('latency_upstream') ?? Promise.resolve(), /404/);
});

test('answers errors as Toxiproxy does', async (t) => {
  const { standIn, proxy } = await startProxied(t);
  const { url } = standIn;
  const toxics = `/proxies/${proxy.name}/toxics`;
  await poison(proxy, 'latency', 'downstream');
  const cases: [string, string, unknown, number, string][] = [
    ['POST', '/proxies', { name: proxy.name, upstream: 'a:1' }, 409, 'proxy already exists'],
    ['POST', '/proxies', { upstream: 'a:1' }, 400, 'missing required field: name'],
    ['POST', '/proxies', { name: 'x' }, 400, 'missing required field: upstream'],
    [
      'POST',
      '/populate',
      [{ name: 'x', upstream: 'a:1', enabled: false }, { name: 'y' }],
      400,
      'missing required field: upstream at proxy 2',
    ],
    ['GET', '/proxies/none', undefined, 404, 'proxy not found'],
    ['DELETE', '/proxies/none', undefined, 404, 'proxy not found'],
    ['POST', '/proxies/none/toxics', { type: 'latency' }, 404, 'proxy not found'],
    ['POST', toxics, { type: 'latency' }, 409, 'toxic already exists'],
    ['POST', toxics, { type: 'down' }, 400, 'invalid toxic type'],
    ['POST', toxics, {}, 400, 'invalid toxic type'],
    [
      'POST',
      toxics,
      { type: 'latency', stream: 'sideways' },
      400,
      'stream was invalid, can be either upstream or downstream',
    ],
    ['PATCH', `${toxics}/none`, {}, 404, 'toxic not found'],
    ['DELETE', `${toxics}/none`, undefined, 404, 'toxic not found'],
  ];
  for (const [method, path, body, status, error] of cases) {
    assert.deepEqual(await call(url, method, path, body), { status, body: { error, status } });
  }
});

test('refuses hostile bodies with a sentence, and goes on', async (t) => {
  const { standIn, proxy, connect } = await startProxied(t);
  const toxics = `/proxies/${proxy.name}/toxics`;
  const bodies: [string, unknown][] = [
    ['/proxies', '{'],
    ['/proxies', '[]'],
    ['/proxies', 'null'],
    ['/proxies', ''],
    ['/proxies', { name: 5, upstream: 'a:1' }],
    ['/proxies', { name: 'n'.repeat(201), upstream: 'a:1' }],
    ['/proxies', { name: 'n', upstream: 'nowhere' }],
    ['/proxies', { name: 'n', upstream: 'a:99999' }],
    ['/proxies', { name: 'n', upstream: 'a:1', listen: 'somewhere' }],
    ['/proxies', { name: 'n', upstream: 'a:1', listen: '192.0.2.1:1' }],
    ['/proxies', { name: 'n', upstream: 'a:1', listen: new URL(standIn.url).host }],
    ['/proxies', { name: 'n', upstream: 'a:1', enabled: 'yes' }],
    ['/populate', {}],
    [
      '/populate',
      [
        { name: 'n', upstream: 'a:1' },
        { name: 'n', upstream: 'a:1' },
      ],
    ],
    [toxics, { type: 'latency', attributes: { latency: -1 } }],
    [toxics, { type: 'latency', attributes: { latency: 1.5 } }],
    [toxics, { type: 'latency', attributes: { latency: '1' } }],
    [toxics, { type: 'latency', attributes: { latency: 1e300 } }],
    [toxics, { type: 'latency', attributes: [] }],
    [toxics, { type: 'latency', toxicity: 2 }],
    [toxics, { type: '__proto__' }],
    [`/proxies/${proxy.name}`, { upstream: '' }],
    [`/proxies/${proxy.name}`, { enabled: 1 }],
  ];
  for (const [path, body] of bodies) {
    const answer = await call(standIn.url, 'POST', path, body);
    assert.equal(answer.status, 400, `${path} ${JSON.stringify(body)}`);
    assert.equal(typeof (answer.body as { error: unknown }).error, 'string');
  }
  assert.equal((await call(standIn.url, 'POST', '/proxies', 'x'.repeat(2 << 20))).status, 413);
  assert.equal((await call(standIn.url, 'GET', `/proxies/${'n'.repeat(5000)}`)).status, 414);
  assert.equal((await call(standIn.url, 'GET', '/nothing')).status, 404);
  const browser = await fetch(`${standIn.url}/proxies`, { headers: { 'user-agent': 'Mozilla/5.0' } });
  assert.equal(browser.status, 403);
  const client = await connect();
  client.socket.write('unharmed');
  await client.receives('unharmed');
});

test('reads JSON whatever the content type says, as curl sends it', async (t) => {
  const standIn = await startToxiproxyStandIn();
  t.after(async () => await standIn.close());
  const response = await fetch(`${standIn.url}/proxies`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: JSON.stringify({ name: 'a/b c', upstream: '127.0.0.1:1' }),
  });
  assert.equal(response.status, 201);
  assert.equal((await new Toxiproxy(standIn.url).get('a%2Fb%20c')).name, 'a/b c');
});
