import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Revocations } from '@ballast/contracts';
import { until } from '@ballast/testing';
import { decodeJwt } from 'jose';
import { Value } from 'typebox/value';
import {
  createTestDatabase,
  post,
  problemOf,
  register,
  signIn,
  startIdentity,
  tokens,
  type IdentityDatabase,
} from '../support.ts';

describe('revocation', () => {
  let database: IdentityDatabase;
  let identity: Awaited<ReturnType<typeof startIdentity>>;
  let other: Awaited<ReturnType<typeof startIdentity>>;
  before(async () => {
    database = await createTestDatabase();
    identity = await startIdentity(database.url);
    other = await startIdentity(database.url, { INSTANCE: 'identity-2' });
  });
  after(async () => {
    await other.stop();
    await identity.stop();
    await database.drop();
  });

  const newSession = async () => signIn(identity.server, (await register(identity.server)).credentials);
  const sessionOf = (accessToken: string): string => decodeJwt(accessToken)['sid'] as string;
  const ask = async (query = '', of = identity): Promise<Revocations> => {
    const answer = await of.server.inject({ url: `/revocations${query}` });
    assert.equal(answer.statusCode, 200, answer.body);
    const body = answer.json<Revocations>();
    Value.Assert(Revocations, body);
    return body;
  };

  it('of a session follows from signing out, until its tokens would have expired', async () => {
    const { accessToken } = await newSession();
    const { cursor } = await ask();
    assert.equal((await post(identity.server, '/logout', undefined, accessToken)).statusCode, 204);
    const { items } = await ask(`?after=${cursor}`);
    assert.deepEqual(
      items.map(({ id }) => id),
      [sessionOf(accessToken)],
    );
    const left = items[0]!.until - Date.now() / 1000;
    assert.ok(left > 840 && left <= 901, `${left} s`);
    assert.ok(decodeJwt(accessToken).exp! <= items[0]!.until);
  });

  it('follows from the reuse of a refresh token', async () => {
    const first = await newSession();
    const second = tokens(await post(identity.server, '/refresh', { refreshToken: first.refreshToken }));
    const { cursor } = await ask();
    await post(identity.server, '/refresh', { refreshToken: first.refreshToken });
    assert.deepEqual(
      (await ask(`?after=${cursor}`)).items.map(({ id }) => id),
      [sessionOf(second.accessToken)],
    );
  });

  it('is told once, however often somebody signs out', async () => {
    const { accessToken } = await newSession();
    const { cursor } = await ask();
    await Promise.all(Array.from({ length: 5 }, () => post(identity.server, '/logout', undefined, accessToken)));
    assert.equal((await ask(`?after=${cursor}`)).items.length, 1);
  });

  it('is news at once for whoever waits, also where another replica did it', async () => {
    for (const here of [identity, other]) {
      // Who is not told waits for a full second every time; who is told may have been held up once, by a busy machine.
      await until('news before the wait is over', async () => {
        const { accessToken } = await newSession();
        const { cursor } = await ask();
        const started = performance.now();
        const waiting = ask(`?after=${cursor}&wait=1`);
        assert.equal((await post(here.server, '/logout', undefined, accessToken)).statusCode, 204);
        const { items } = await waiting;
        const told = items.some(({ id }) => id === sessionOf(accessToken));
        return told && performance.now() - started < 900;
      });
    }
  });

  it('waits no longer than a second where there is no news, and says so', async () => {
    const { cursor } = await ask();
    const started = performance.now();
    assert.deepEqual(await ask(`?after=${cursor}&wait=1`), { items: [], cursor, more: false });
    assert.ok(performance.now() - started >= 900);
  });

  it('misses nobody: a reader that goes on from its cursor sees all of many concurrent sign-outs, in both replicas', async () => {
    const sessions = await Promise.all(Array.from({ length: 60 }, newSession));
    let { cursor } = await ask();
    const seen: string[] = [];
    const read = async (): Promise<number> => {
      const found = await ask(`?after=${cursor}&wait=1`, other);
      seen.push(...found.items.map(({ id }) => id));
      cursor = found.cursor;
      return found.items.length;
    };
    let signingOut = true;
    const reader = (async () => {
      while (signingOut) await read();
      // Whoever waits in vain for a full second has been told everything.
      while ((await read()) > 0);
    })();
    const statuses = await Promise.all(
      sessions.map(({ accessToken }, index) =>
        post((index % 2 === 0 ? identity : other).server, '/logout', undefined, accessToken),
      ),
    );
    signingOut = false;
    await reader;
    assert.deepEqual(new Set(statuses.map(({ statusCode }) => statusCode)), new Set([204]));
    assert.deepEqual(seen.toSorted(), sessions.map(({ accessToken }) => sessionOf(accessToken)).toSorted());
  });

  it('refuses a cursor that is none, with the field named', async () => {
    for (const after of ['x', '-1', '1e3', '9999999999999999999']) {
      const answer = await identity.server.inject({ url: `/revocations?after=${after}` });
      assert.equal(answer.statusCode, 422);
      assert.equal(problemOf(answer).field, 'after');
    }
  });
});
