import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ServiceProcess } from '@ballast/testing';
import { createTestDatabase, problemOf, spawnIdentity, type IdentityDatabase } from './support.ts';

const good = { email: 'ada@example.com', password: 'analytical engine' };

/** Values that are of the wrong type for a string, or strings nobody should send. */
const wrongValues: unknown[] = [null, true, 0, -1, 1.5, 1e308, [], ['x'], {}, { $ne: null }, 'a\u0000b', 'a\ud800b'];

/** Bodies for a route that wants the string members `members`, each with the statuses it may be answered with. */
function hostileBodies(members: Record<string, string>): [body: string, allowed: number[]][] {
  const bodies: [string, number[]][] = [
    ['', [422]],
    ['   ', [422]],
    ['{', [400]],
    ['{"email":"ada@example.com",}', [400]],
    ['nonsense', [400]],
    ['{"__proto__":{"admin":true}}', [400]],
    ['{"constructor":{"prototype":{"admin":true}}}', [400]],
    ['null', [422]],
    ['[]', [422]],
    ['"text"', [422]],
    ['0', [422]],
    ['{}', [422]],
    [JSON.stringify([members]), [422]],
    [JSON.stringify({ ...members, roles: ['operator'] }), [422]],
    [JSON.stringify({ ...members, '': 1 }), [422]],
    [JSON.stringify({ ...members, padding: 'x'.repeat(100_000) }), [413]],
    ['['.repeat(15_000), [400]],
    [`${'['.repeat(8_000)}${']'.repeat(8_000)}`, [422]],
    ['\ufeff{}', [400, 422]],
  ];
  for (const name of Object.keys(members)) {
    bodies.push([JSON.stringify({ ...members, [name]: undefined }), [422]]);
    for (const value of wrongValues) bodies.push([JSON.stringify({ ...members, [name]: value }), [422]]);
    bodies.push([JSON.stringify({ ...members, [name]: 'x'.repeat(10_000) }), [422]]);
  }
  return bodies;
}

describe('hostile input', () => {
  let database: IdentityDatabase;
  let identity: ServiceProcess;
  before(async () => {
    database = await createTestDatabase();
    identity = await spawnIdentity(database.url);
    await identity.ready();
  });
  after(async () => {
    await identity.end();
    await database.drop();
  });

  const send = async (path: string, init: RequestInit) => {
    const response = await fetch(`${identity.url}${path}`, {
      method: 'POST',
      ...init,
      signal: AbortSignal.timeout(30_000),
    });
    return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
  };
  const json = { 'content-type': 'application/json' };

  for (const [path, members] of Object.entries({
    '/register': good,
    '/login': good,
    '/refresh': { refreshToken: 'A'.repeat(43) },
  })) {
    it(`to ${path} gets the right 4xx`, async () => {
      for (const [body, allowed] of hostileBodies(members)) {
        const answer = await send(path, { body, headers: json });
        assert.ok(allowed.includes(answer.statusCode), `${body.slice(0, 100)} → ${answer.statusCode} ${answer.body}`);
        problemOf(answer);
      }
    });

    it(`to ${path} in another shape gets the right 4xx`, async () => {
      const body = JSON.stringify(members);
      assert.equal((await send(path, { body, headers: { 'content-type': 'text/plain' } })).statusCode, 415);
      assert.equal(
        (await send(path, { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }))
          .statusCode,
        415,
      );
      assert.equal((await send(path, { body: new Uint8Array([0xff, 0xfe, 0x00]), headers: json })).statusCode, 400);
      assert.equal((await send(`${path}?admin=1`, { body, headers: json })).statusCode, 422);
      assert.equal((await send(`${path}/`, { body, headers: json })).statusCode, 404);
      assert.equal((await send(path, { method: 'GET' })).statusCode, 404);
      assert.equal((await send(path, { method: 'DELETE' })).statusCode, 404);
      for (const answer of [await send(path, { body: 'x'.repeat(10_000_000), headers: json }).catch(() => null)]) {
        // The server may close while the rest is still being sent; what it says, if it can be read, is 413.
        if (answer !== null) assert.equal(answer.statusCode, 413);
      }
    });
  }

  it('cannot reach another account by SQL', async () => {
    for (const email of [`' OR 1=1 --`, `ada@example.com'; DROP TABLE users; --`, '%', '*']) {
      const answer = await send('/login', { body: JSON.stringify({ email, password: `' OR ''='` }), headers: json });
      assert.equal(answer.statusCode, 401);
    }
  });

  it('stored nothing, logged nothing above information, and left the process as it was', async () => {
    for (const table of ['users', 'refresh_families', 'refresh_tokens']) {
      assert.deepEqual(await database.query(`SELECT FROM ${table}`), [], table);
    }
    const alarms = identity.lines.filter((line) => (JSON.parse(line) as { level: number }).level > 30);
    assert.deepEqual(alarms, []);
    assert.equal((await send('/register', { body: JSON.stringify(good), headers: json })).statusCode, 201);
    assert.equal((await send('/login', { body: JSON.stringify(good), headers: json })).statusCode, 200);
  });
});
