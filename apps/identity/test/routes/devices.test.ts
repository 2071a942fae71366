import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  accessAudience,
  DeviceClaims,
  Devices,
  DeviceToken,
  oddTokenKinds,
  Revocations,
  type OddTokenKind,
} from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { until } from '@ballast/testing';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { Value } from 'typebox/value';
import {
  createTestDatabase,
  issuer,
  post,
  problemOf,
  register,
  signIn,
  startIdentity,
  type IdentityDatabase,
} from '../support.ts';

const operatorAccount = { email: 'operator@ballast.test', password: 'ballast-operator' };

describe('devices', () => {
  let database: IdentityDatabase;
  let identity: Awaited<ReturnType<typeof startIdentity>>;
  let operator: string;
  let customer: string;
  before(async () => {
    configureFaults({ labMode: true, faults: '' });
    database = await createTestDatabase();
    identity = await startIdentity(database.url, { LAB_MODE: '1' });
    operator = (await signIn(identity.server, operatorAccount)).accessToken;
    customer = (await signIn(identity.server, (await register(identity.server)).credentials)).accessToken;
  });
  after(async () => {
    await identity.stop();
    await database.drop();
    configureFaults({ labMode: false, faults: '' });
  });

  const call = (method: 'GET' | 'DELETE' | 'POST', url: string, token: string | null = operator, body?: unknown) =>
    identity.server.inject({
      method,
      url,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
  const issue = async (body: unknown = {}): Promise<DeviceToken> => {
    const answer = await post(identity.server, '/devices', body, operator);
    assert.equal(answer.statusCode, 201, answer.body);
    assert.equal(answer.headers['cache-control'], 'no-store');
    const issued = answer.json<DeviceToken>();
    Value.Assert(DeviceToken, issued);
    return issued;
  };
  const revoked = async (afterCursor?: string): Promise<Revocations> =>
    (await call('GET', `/revocations${afterCursor === undefined ? '' : `?after=${afterCursor}`}`)).json<Revocations>();
  /** Where the list of revocations ends now. */
  const end = async (): Promise<string> => (await revoked()).cursor;
  const keys = async () => createLocalJWKSet((await call('GET', '/.well-known/jwks.json')).json<JSONWebKeySet>());
  /** What a gateway would find in it, wrong type and times aside. */
  const signed = async (token: string): Promise<{ payload: JWTPayload; type: unknown }> => {
    const { payload } = await jwtVerify(token, await keys(), { currentDate: new Date(0), clockTolerance: 1e12 });
    return { payload, type: decodeProtectedHeader(token).typ };
  };

  it('get a token that says who they are, to gateways only, and until when', async () => {
    const { deviceId, token, tokenId, expiresAt } = await issue({ deviceId: 'mill-7', expiresInSeconds: 120 });
    const { payload } = await jwtVerify(token, await keys(), { issuer, audience: 'tcp-gateway', typ: 'device+jwt' });
    Value.Assert(DeviceClaims, payload);
    assert.deepEqual([deviceId, payload.sub, payload.jti], ['mill-7', 'mill-7', tokenId]);
    assert.equal(payload.exp * 1000, Date.parse(expiresAt));
    assert.equal(payload.exp - payload.iat, 120);
  });

  it('are given a name and a day where nothing is said', async () => {
    const [one, other] = [await issue(), await issue()];
    assert.notEqual(one.deviceId, other.deviceId);
    const left = Date.parse(one.expiresAt) - Date.now();
    assert.ok(left > 86_390_000 && left <= 86_400_000, `${left} ms`);
  });

  it('are registered once, however many tokens they get at the same time', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issue({ deviceId: 'crowd' })));
    assert.equal(new Set(tokens.map(({ tokenId }) => tokenId)).size, 20);
    assert.equal((await database.query(`SELECT FROM devices WHERE device_id = 'crowd'`)).length, 1);
    assert.equal((await database.query(`SELECT FROM device_tokens WHERE device_id = 'crowd'`)).length, 20);
  });

  it('are listed in the order of their ids, page by page', async () => {
    for (const deviceId of ['page:a', 'page:B', 'page:c', 'page:d', 'page:e']) await issue({ deviceId });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const answer = await call('GET', `/devices?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      assert.equal(answer.statusCode, 200, answer.body);
      const page = answer.json<Devices>();
      Value.Assert(Devices, page);
      assert.ok(page.items.length <= 2);
      seen.push(...page.items.map(({ deviceId }) => deviceId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    const all = await database.query<{ device_id: string }>('SELECT device_id FROM devices');
    assert.deepEqual(seen, all.map((row) => row.device_id).toSorted());
  });

  it('lose one token by its id, once; the others stay good', async () => {
    const one = await issue({ deviceId: 'loser' });
    await issue({ deviceId: 'loser' });
    const cursor = await end();
    const url = `/devices/loser/tokens/${one.tokenId.toUpperCase()}`;
    assert.equal((await call('DELETE', url)).statusCode, 204);
    const told = [{ id: one.tokenId, until: Date.parse(one.expiresAt) / 1000 }];
    assert.deepEqual((await revoked(cursor)).items, told);
    assert.equal((await call('DELETE', url)).statusCode, 204);
    assert.deepEqual((await revoked(cursor)).items, told);
  });

  for (const what of ['a token', 'a device']) {
    it(`lose what they have in the same second for whoever waits for the news of ${what}`, async () => {
      // Who is not told waits for a full second every time; who is told may have been held up once, by a busy machine.
      await until('news before the wait is over', async () => {
        const { deviceId, tokenId } = await issue();
        const waiting = call('GET', `/revocations?after=${await end()}&wait=1`);
        const started = performance.now();
        const url = what === 'a token' ? `/devices/${deviceId}/tokens/${tokenId}` : `/devices/${deviceId}`;
        assert.equal((await call('DELETE', url)).statusCode, 204);
        const { items } = (await waiting).json<Revocations>();
        return items.some(({ id }) => id === tokenId) && performance.now() - started < 900;
      });
    });
  }

  it('lose all tokens when they end, and get no more', async () => {
    const tokens = [await issue({ deviceId: 'done' }), await issue({ deviceId: 'done' })];
    await call('DELETE', `/devices/done/tokens/${tokens[0]!.tokenId}`);
    const cursor = await end();
    assert.equal((await call('DELETE', '/devices/done')).statusCode, 204);
    const told = (await revoked(cursor)).items.map(({ id }) => id);
    assert.deepEqual(told, [tokens[1]!.tokenId]);

    const refused = await post(identity.server, '/devices', { deviceId: 'done' }, operator);
    assert.equal(refused.statusCode, 409);
    assert.deepEqual([problemOf(refused).code, problemOf(refused).field], ['conflict', 'deviceId']);
    assert.equal((await call('DELETE', '/devices/done')).statusCode, 204);
    assert.equal((await revoked(cursor)).items.length, 1);
    const { items } = (await call('GET', '/devices?limit=500')).json<Devices>();
    assert.equal(typeof items.find(({ deviceId }) => deviceId === 'done')?.endedAt, 'string');
  });

  it('leave no token good that was asked for while they ended', async () => {
    for (let round = 0; round < 10; round += 1) {
      const deviceId = `race-${round}`;
      await issue({ deviceId });
      const cursor = await end();
      const asked = Array.from({ length: 8 }, () => post(identity.server, '/devices', { deviceId }, operator));
      const [ended, ...answers] = await Promise.all([call('DELETE', `/devices/${deviceId}`), ...asked]);
      assert.equal(ended.statusCode, 204);
      const given = answers.filter(({ statusCode }) => statusCode === 201);
      assert.ok(answers.every(({ statusCode }) => statusCode === 201 || statusCode === 409));
      const told = new Set((await revoked(cursor)).items.map(({ id }) => id));
      for (const answer of given) assert.ok(told.has(answer.json<DeviceToken>().tokenId), deviceId);
    }
  });

  it('cannot pile up tokens without end', async () => {
    await issue({ deviceId: 'hoarder' });
    await database.query(`
      INSERT INTO device_tokens (token_id, device_id, expires_at)
      SELECT gen_random_uuid(), 'hoarder', now() + interval '1 hour' FROM generate_series(1, 999)`);
    assert.equal((await post(identity.server, '/devices', { deviceId: 'hoarder' }, operator)).statusCode, 409);
    assert.equal((await call('DELETE', '/devices/hoarder')).statusCode, 204);
  });

  it('are forgotten token by token as these expire', async () => {
    await issue({ deviceId: 'old', expiresInSeconds: 1 });
    await issue({ deviceId: 'old', expiresInSeconds: 100 });
    await database.query(`UPDATE device_tokens SET expires_at = now() - interval '1 s'
                           WHERE device_id = 'old' AND expires_at < now() + interval '50 s'`);
    const next = await startIdentity(database.url, { INSTANCE: 'identity-2' });
    await next.start?.();
    const left = () => database.query(`SELECT FROM device_tokens WHERE device_id = 'old'`);
    await until('the expired token is forgotten', async () => (await left()).length === 1);
    await next.stop();
  });

  it('are no business of strangers and customers', async () => {
    const { deviceId, tokenId } = await issue();
    const calls: ['GET' | 'DELETE' | 'POST', string, unknown?][] = [
      ['POST', '/devices', {}],
      ['GET', '/devices'],
      ['DELETE', `/devices/${deviceId}`],
      ['DELETE', `/devices/${deviceId}/tokens/${tokenId}`],
      ['POST', '/lab/devices/odd-tokens', { deviceId, kind: 'expired' }],
    ];
    for (const [method, url, body] of calls) {
      assert.equal((await call(method, url, null, body)).statusCode, 401, url);
      const answer = await call(method, url, customer, body);
      assert.equal(answer.statusCode, 403, url);
      assert.equal(problemOf(answer).code, 'forbidden');
    }
    // A device is nobody who could sign in.
    const { token } = await issue();
    assert.equal((await call('GET', '/devices', token)).statusCode, 401);
  });

  it('refuse hostile input with the field named', async () => {
    const bodies: [unknown, string | undefined][] = [
      [null, undefined],
      [[], undefined],
      ['mill-7', undefined],
      [{ deviceId: '' }, 'deviceId'],
      [{ deviceId: ' mill' }, 'deviceId'],
      [{ deviceId: '../mill' }, 'deviceId'],
      [{ deviceId: 'mill\n' }, 'deviceId'],
      [{ deviceId: 'mill\u0000' }, 'deviceId'],
      [{ deviceId: 'x'.repeat(65) }, 'deviceId'],
      [{ deviceId: `'; DROP TABLE devices; --` }, 'deviceId'],
      [{ deviceId: null }, 'deviceId'],
      [{ deviceId: { $ne: null } }, 'deviceId'],
      [{ expiresInSeconds: 0 }, 'expiresInSeconds'],
      [{ expiresInSeconds: -1 }, 'expiresInSeconds'],
      [{ expiresInSeconds: 1.5 }, 'expiresInSeconds'],
      [{ expiresInSeconds: 31_536_001 }, 'expiresInSeconds'],
      [{ expiresInSeconds: 1e308 }, 'expiresInSeconds'],
      [{ expiresInSeconds: '60' }, 'expiresInSeconds'],
      [{ deviceId: 'mill-7', aud: 'ballast' }, 'aud'],
      [{ deviceId: 'mill-7', roles: ['operator'] }, 'roles'],
    ];
    for (const [body, field] of bodies) {
      const answer = await post(identity.server, '/devices', body, operator);
      assert.equal(answer.statusCode, 422, JSON.stringify(body));
      assert.equal(problemOf(answer).field, field, JSON.stringify(body));
    }
    const urls: ['GET' | 'DELETE' | 'POST', string, number, string?][] = [
      ['GET', '/devices?limit=0', 422, 'limit'],
      ['GET', '/devices?limit=501', 422, 'limit'],
      ['GET', '/devices?limit=1e2', 422, 'limit'],
      ['GET', '/devices?cursor=%00', 422, 'cursor'],
      ['GET', '/devices?cursor=bm90IGEgZGV2aWNl', 422, 'cursor'],
      ['GET', '/devices?all=1', 422, 'all'],
      ['DELETE', '/devices/nobody', 404],
      ['DELETE', '/devices/%00', 422, 'deviceId'],
      ['DELETE', '/devices/a%2F..%2Fb', 422, 'deviceId'],
      ['DELETE', '/devices/mill-7?force=1', 422, 'force'],
      ['DELETE', '/devices/mill-7/tokens/1', 422, 'tokenId'],
      ['DELETE', `/devices/mill-7/tokens/${randomUUIDv7()}`, 404],
    ];
    for (const [method, url, status, field] of urls) {
      const answer = await call(method, url);
      assert.equal(answer.statusCode, status, `${url} ${answer.body}`);
      assert.equal(problemOf(answer).field, field, url);
    }
    const { tokenId } = await issue({ deviceId: 'somebody-else' });
    assert.equal((await call('DELETE', `/devices/mill-7/tokens/${tokenId}`)).statusCode, 404);
    assert.equal((await call('DELETE', '/devices/mill-7', operator, { force: true })).statusCode, 422);
  });

  describe('with odd tokens', () => {
    const odd = async (kind: string) => {
      const answer = await post(identity.server, '/lab/devices/odd-tokens', { deviceId: 'odd', kind }, operator);
      assert.equal(answer.statusCode, 200, answer.body);
      return signed(answer.json<{ token: string }>().token);
    };
    /** Everything about a device token that can be wrong. */
    const wrongs: Record<OddTokenKind, (found: { payload: JWTPayload; type: unknown }) => boolean> = {
      expired: ({ payload }) => payload.exp !== undefined && payload.exp * 1000 < Date.now(),
      not_yet_valid: ({ payload }) => payload.nbf !== undefined && payload.nbf * 1000 > Date.now(),
      wrong_issuer: ({ payload }) => payload.iss !== issuer,
      wrong_audience: ({ payload }) => payload.aud !== 'tcp-gateway',
      wrong_type: ({ type }) => type !== 'device+jwt',
      missing_claim: ({ payload }) => !Value.Check(DeviceClaims, payload),
    };

    for (const kind of oddTokenKinds) {
      it(`gives one that is truly signed and ${kind}, and nothing else`, async () => {
        const found = await odd(kind);
        assert.equal(found.payload.sub, 'odd');
        for (const [name, isWrong] of Object.entries(wrongs)) assert.equal(isWrong(found), name === kind, name);
      });
    }

    it('knows no other kinds, and shows nothing of it outside the lab', async () => {
      const answer = await post(
        identity.server,
        '/lab/devices/odd-tokens',
        { deviceId: 'odd', kind: 'good' },
        operator,
      );
      assert.deepEqual([answer.statusCode, problemOf(answer).field], [422, 'kind']);
      assert.equal(accessAudience, 'ballast');
      configureFaults({ labMode: false, faults: '' });
      const sober = await startIdentity(database.url, { INSTANCE: 'identity-3' });
      const there = await post(sober.server, '/lab/devices/odd-tokens', { deviceId: 'odd', kind: 'expired' }, operator);
      assert.equal(there.statusCode, 404);
      await sober.stop();
      configureFaults({ labMode: true, faults: '' });
    });
  });
});
