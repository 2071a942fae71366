import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { LabBuckets, LabCluster, LabConvergeResult, LabRaceResult } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import type { TestDatabase } from '@ballast/testing';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Agent } from 'undici';
import { FakeIdentity, FakeService, json, problemAnswer, type Answer } from './fakes.ts';
import { freshDatabase, startBff, type Bff } from './support.ts';

const productId = randomUUID();

/** A replica of a catalog whose product all replicas share; the second one serves a write a little later. */
function catalog(name: string, shared: { version: number; onHand: number }, lagMs: number): FakeService {
  const served = { version: shared.version };
  const answer: Answer = (request, response) => {
    if (request.url === `/lab/products/${productId}/row`) {
      return json(response, 200, {
        rows: [{ xmin: String(shared.version), on_hand: shared.onHand }],
        statement: 'UPDATE',
      });
    }
    if (request.url === `/products/${productId}`) {
      const current = shared.version;
      if (lagMs === 0) served.version = current;
      else setTimeout(() => (served.version = Math.max(served.version, current)), lagMs);
      return json(response, 200, {}, { etag: `"${served.version}"` });
    }
    if (request.url === `/products/${productId}/stock`) {
      if (request.headers['if-match'] !== `"${shared.version}"`)
        return problemAnswer(response, 412, 'version-mismatch');
      shared.version += 1;
      shared.onHand = (JSON.parse(request.body.toString()) as { onHand: number }).onHand;
      return json(response, 200, {}, { etag: `"${shared.version}"` });
    }
    if (request.url.startsWith('/lab/') || request.url.startsWith('/dead-letters')) {
      return json(response, 200, { method: request.method, url: request.url, body: request.body.toString() });
    }
    if (request.url === '/readyz') return json(response, 503, { failing: { database: 'gone' } });
    return problemAnswer(response, 404, 'not-found');
  };
  return new FakeService(name, answer);
}

describe('the lab', () => {
  const identity = new FakeIdentity();
  const shared = { version: 1, onHand: 10 };
  const catalogs = [catalog('catalog-1', shared, 0), catalog('catalog-2', shared, 30)];
  const claimed = new Map<string, string>();
  const claims = new FakeService('claims', (request, response) => {
    const key = new URL(request.url, 'http://x').searchParams.get('key') ?? request.headers['idempotency-key'];
    const known = claimed.get(String(key));
    if (request.method === 'GET')
      return json(response, 200, { rows: known === undefined ? [] : [{ id: known }], statement: 'INSERT' });
    claimed.set(String(key), known ?? randomUUID());
    return json(response, known === undefined ? 201 : 200, { claimId: claimed.get(String(key)) });
  });
  const agent = new Agent();
  let database: TestDatabase;
  let bff: Bff;
  let environment: Record<string, string>;

  before(async () => {
    await Promise.all([identity, claims, ...catalogs].map((service) => service.start()));
    database = await freshDatabase();
    configureFaults({ labMode: true, faults: '' });
    environment = {
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CATALOG_URLS: catalogs.map(({ origin }) => origin).join(','),
      CLAIMS_URL: claims.origin,
      LAB_MODE: '1',
      EXPENSIVE_BURST: '8',
      EXPENSIVE_PER_SECOND: '0.5',
    };
    bff = await startBff(environment);
  });
  after(async () => {
    configureFaults({ labMode: false, faults: '' });
    await agent.destroy();
    await bff.stop();
    await database.drop();
    await Promise.all([identity, claims, ...catalogs].map((service) => service.kill()));
  });

  /** Calls as an operator whose token, and so whose buckets, are new unless one is given. */
  const call = async (
    path: string,
    init: RequestInit = {},
    token: string | null = identity.accessToken('operator@ballast.test'),
  ): Promise<Response> =>
    await fetch(bff.origin + path, {
      ...init,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    });
  const post = (path: string, body: unknown, token?: string): Promise<Response> =>
    call(path, { method: 'POST', body: JSON.stringify(body) }, token);
  const parse = async <Schema extends TSchema>(schema: Schema, response: Response): Promise<Static<Schema>> => {
    const content: unknown = await response.json();
    assert.equal(response.status, 200, JSON.stringify(content));
    assert.deepEqual([...Compile(schema).Errors(content)], []);
    return content as Static<Schema>;
  };

  it('is for operators', async () => {
    for (const path of ['/api/lab/cluster', '/api/lab/buckets', '/api/lab/services/catalog-1/faults']) {
      assert.equal((await call(path, {}, null)).status, 401, path);
      assert.equal((await call(path, {}, identity.accessToken())).status, 403, path);
      assert.equal((await call(path)).status, 200, path);
    }
  });

  it('is not there outside the lab', async () => {
    configureFaults({ labMode: false, faults: '' });
    const other = await startBff({ ...environment, LAB_MODE: '0' });
    configureFaults({ labMode: true, faults: '' });
    try {
      const headers = { authorization: `Bearer ${identity.accessToken('operator@ballast.test')}` };
      for (const path of [
        '/api/lab/cluster',
        '/api/lab/buckets',
        '/api/lab/services/catalog-1/faults',
        '/lab/faults',
      ]) {
        assert.equal((await fetch(other.origin + path, { headers })).status, 404, path);
      }
    } finally {
      await other.stop();
    }
  });

  it('shows every instance and every circuit', async () => {
    const cluster = await parse(LabCluster, await call('/api/lab/cluster'));
    const states = Object.fromEntries(cluster.instances.map(({ instance, state }) => [instance, state]));
    assert.deepEqual(
      { ...states },
      {
        bff: 'not-ready',
        // The stand-in has no /readyz.
        identity: 'not-ready',
        'catalog-1': 'not-ready',
        'catalog-2': 'not-ready',
        checkout: 'unreachable',
        payments: 'unreachable',
        claims: 'ready',
      },
    );
    assert.deepEqual(cluster.instances[2]!.failing, { database: 'gone' });
    assert.deepEqual(
      cluster.upstreams.map(({ name, state }) => [name, state]),
      ['identity', 'catalog', 'checkout', 'payments', 'claims'].map((name) => [name, 'closed']),
    );
  });

  it('shows the caller their buckets, and lets them spend the expensive one', async () => {
    const token = identity.accessToken('operator@ballast.test');
    // A token comes back in a hundred seconds: none does while this test runs, however long that takes.
    const slow = await startBff({ ...environment, EXPENSIVE_PER_SECOND: '0.01' });
    const authorization = `Bearer ${token}`;
    const ask = (path: string, method = 'GET'): Promise<Response> =>
      fetch(`${slow.origin}/api/lab/buckets${path}`, { method, headers: { authorization } });
    const remaining = async (): Promise<number> => {
      const { buckets } = await parse(LabBuckets, await ask(''));
      assert.deepEqual(
        buckets.map(({ name, owner, store }) => [name, owner, store]),
        [
          ['default', 'session', 'local'],
          ['expensive', 'session', 'local'],
        ],
      );
      return buckets[1]!.remaining;
    };
    try {
      assert.equal(await remaining(), 8);
      const spent = await ask('/expensive/spend', 'POST');
      assert.deepEqual(
        [spent.status, spent.headers.get('ratelimit-limit'), spent.headers.get('ratelimit-remaining')],
        [204, '8', '7'],
      );
      assert.equal(await remaining(), 7);
      const all = await Promise.all(Array.from({ length: 10 }, () => ask('/expensive/spend', 'POST')));
      const refused = all.filter(({ status }) => status === 429);
      assert.equal(refused.length, 3);
      const retryAfter = Number(refused[0]!.headers.get('retry-after'));
      assert.ok(retryAfter > 50 && retryAfter <= 100, `${retryAfter} s`);
      assert.ok(all.every(({ headers }) => headers.get('ratelimit-reset') !== null));
    } finally {
      await slow.stop();
    }
  });

  it('races callers on one key, and shows the rows before and after', async () => {
    const race = await parse(LabRaceResult, await post('/api/lab/race/key', { orderId: randomUUID(), callers: 30 }));
    assert.deepEqual([race.before.length, race.after.length, race.racers.length], [0, 1, 30]);
    assert.equal(new Set(race.racers.map(({ result }) => result)).size, 1);
    assert.equal(race.racers.filter(({ replayed }) => replayed === false).length, 1);
    assert.equal(race.racers[0]!.instance, 'claims');
  });

  it('races writers on one version, over both replicas', async () => {
    const race = await parse(LabRaceResult, await post('/api/lab/race/version', { productId, writers: 20 }));
    assert.equal(race.racers.filter(({ status }) => status === 200).length, 1);
    assert.equal(race.racers.filter(({ status }) => status === 412).length, 19);
    assert.deepEqual(new Set(race.racers.map(({ instance }) => instance)), new Set(['catalog-1', 'catalog-2']));
    assert.notDeepEqual(race.before, race.after);
  });

  it('writes through one replica and watches all of them get there', async () => {
    const converge = async (onHand: number): Promise<LabConvergeResult> => {
      const result = await parse(LabConvergeResult, await post('/api/lab/converge', { productId, onHand }));
      assert.deepEqual(
        result.replicas.map(({ instance }) => instance),
        ['catalog-1', 'catalog-2'],
      );
      assert.equal(result.after[0]!['on_hand'], onHand);
      assert.equal(result.version, `"${shared.version}"`);
      return result;
    };
    const areAllThere = ({ replicas }: LabConvergeResult): boolean =>
      replicas.every(({ milliseconds }) => milliseconds !== null);
    // The bff watches for two seconds. Where this process has stood still for them it is asked once more.
    assert.ok(areAllThere(await converge(77)) || areAllThere(await converge(78)));
  });

  it('hands through to the very instance named, with body and query', async () => {
    const seen = async (response: Response): Promise<unknown> => [
      response.headers.get('x-served-by'),
      await response.json(),
    ];
    assert.deepEqual(await seen(await call('/api/lab/services/catalog-2/cache/products/1?x=%20a')), [
      'catalog-2',
      { method: 'GET', url: '/lab/cache/products/1?x=%20a', body: '' },
    ]);
    assert.deepEqual(await seen(await post('/api/lab/services/catalog-1/relay/pause', { seconds: 5 })), [
      'catalog-1',
      { method: 'POST', url: '/lab/relay/pause', body: '{"seconds":5}' },
    ]);
    assert.deepEqual(await seen(await call('/api/lab/services/catalog-1/defects/a.b', { method: 'DELETE' })), [
      'catalog-1',
      { method: 'DELETE', url: '/lab/defects/a.b', body: '' },
    ]);
    assert.deepEqual(await seen(await call('/api/lab/services/catalog-1/dead-letters/replay', { method: 'POST' })), [
      'catalog-1',
      { method: 'POST', url: '/dead-letters/replay', body: '' },
    ]);
  });

  it('answers for the bff itself', async () => {
    const planted = await call('/api/lab/services/bff/defects/test.nothing', { method: 'PUT' });
    assert.equal(planted.status, 200);
    assert.deepEqual(((await planted.json()) as { defects: string[] }).defects, ['test.nothing']);
    await call('/api/lab/services/bff/defects/test.nothing', { method: 'DELETE' });
    assert.equal((await call('/api/lab/services/bff/nothing/here')).status, 404);
  });

  it('hands nothing else through', async () => {
    const before = catalogs[0]!.calls.length;
    for (const [path, status] of [
      ['/api/lab/services/catalog-9/faults', 404],
      ['/api/lab/services/catalog-1/a%2F..%2Fb', 400],
      ['/api/lab/services/catalog-1/%2e%2e/healthz', 400],
      ['/api/lab/services/catalog-1//healthz', 400],
      ['/api/lab/services/catalog-1/a;b', 400],
    ] as const) {
      // As it stands: fetch would tidy the path up.
      const headers = { authorization: `Bearer ${identity.accessToken('operator@ballast.test')}` };
      const answer = await agent.request({ origin: bff.origin, path, method: 'GET', headers });
      await answer.body.dump();
      assert.equal(answer.statusCode, status, path);
    }
    const large = JSON.stringify({ text: 'x'.repeat(17 * 1024) });
    const answer = await call('/api/lab/services/catalog-1/faults/x', { method: 'PUT', body: large });
    assert.equal(answer.status, 413);
    assert.equal(catalogs[0]!.calls.length, before);
  });
});
