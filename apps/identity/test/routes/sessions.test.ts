import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
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

describe('sessions', () => {
  let database: IdentityDatabase;
  let identity: Awaited<ReturnType<typeof startIdentity>>;
  before(async () => {
    database = await createTestDatabase();
    identity = await startIdentity(database.url);
  });
  after(async () => {
    await identity.stop();
    await database.drop();
  });
  const refresh = (refreshToken: string) => post(identity.server, '/refresh', { refreshToken });
  const newSession = async () => signIn(identity.server, (await register(identity.server)).credentials);
  const liveTokens = async (accessToken: string): Promise<number> => {
    const [row] = await database.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM refresh_tokens JOIN refresh_families USING (family_id)
        WHERE family_id = $1 AND used_at IS NULL AND ended_at IS NULL`,
      [decodeJwt(accessToken)['sid']],
    );
    return row!.count;
  };
  const refused = async (refreshToken: string): Promise<void> => {
    const answer = await refresh(refreshToken);
    assert.equal(answer.statusCode, 401, answer.body);
    assert.equal(problemOf(answer).code, 'invalid-token');
  };

  it('go on with a new pair each time, in the same family', async () => {
    const first = await newSession();
    let current = first;
    for (let round = 0; round < 5; round += 1) {
      const answer = await refresh(current.refreshToken);
      assert.equal(answer.headers['cache-control'], 'no-store');
      const next = tokens(answer);
      assert.notEqual(next.refreshToken, current.refreshToken);
      assert.notEqual(decodeJwt(next.accessToken).jti, decodeJwt(current.accessToken).jti);
      assert.equal(decodeJwt(next.accessToken)['sid'], decodeJwt(first.accessToken)['sid']);
      assert.deepEqual(next.user, first.user);
      assert.equal(await liveTokens(next.accessToken), 1);
      current = next;
    }
  });

  it('end when a token is used a second time, and take the newest token with them', async () => {
    const first = await newSession();
    const second = tokens(await refresh(first.refreshToken));
    const third = tokens(await refresh(second.refreshToken));
    await refused(first.refreshToken);
    await refused(third.refreshToken);
    assert.equal(await liveTokens(third.accessToken), 0);
  });

  it('are apart: the end of one leaves the others of the same person alone', async () => {
    const { credentials } = await register(identity.server);
    const [one, other] = [await signIn(identity.server, credentials), await signIn(identity.server, credentials)];
    tokens(await refresh(one.refreshToken));
    await refused(one.refreshToken);
    tokens(await refresh(other.refreshToken));
  });

  it('let one of twenty callers with the same token win, and end', async () => {
    for (let round = 0; round < 5; round += 1) {
      const session = await newSession();
      const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(session.refreshToken)));
      const winners = answers.filter((answer) => answer.statusCode === 200);
      assert.equal(winners.length, 1);
      assert.equal(answers.filter((answer) => answer.statusCode === 401).length, 19);
      const stored = await database.query('SELECT FROM refresh_tokens WHERE family_id = $1', [
        decodeJwt(session.accessToken)['sid'],
      ]);
      assert.equal(stored.length, 2);
      await refused(tokens(winners[0]!).refreshToken);
    }
  });

  it('refuse tokens that were never given out', async () => {
    for (const token of ['x', 'A'.repeat(43), 'A'.repeat(4096), (await newSession()).accessToken]) await refused(token);
  });

  it('end by signing out, and signing out twice is no error', async () => {
    const session = await newSession();
    for (let times = 0; times < 2; times += 1) {
      const answer = await post(identity.server, '/logout', undefined, session.accessToken);
      assert.equal(answer.statusCode, 204);
      assert.equal(answer.body, '');
    }
    await refused(session.refreshToken);
    assert.equal(await liveTokens(session.accessToken), 0);
  });

  it('end by signing out with any access token of the family, and only that family', async () => {
    const { credentials } = await register(identity.server);
    const first = await signIn(identity.server, credentials);
    const other = await signIn(identity.server, credentials);
    const second = tokens(await refresh(first.refreshToken));
    assert.equal((await post(identity.server, '/logout', {}, first.accessToken)).statusCode, 204);
    await refused(second.refreshToken);
    tokens(await refresh(other.refreshToken));
  });

  it('end whichever of a refresh and a sign-out comes first', async () => {
    for (let round = 0; round < 20; round += 1) {
      const session = await newSession();
      const [refreshed, signedOut] = await Promise.all([
        refresh(session.refreshToken),
        post(identity.server, '/logout', undefined, session.accessToken),
      ]);
      assert.equal(signedOut.statusCode, 204);
      assert.ok(refreshed.statusCode === 200 || refreshed.statusCode === 401);
      if (refreshed.statusCode === 200) await refused(tokens(refreshed).refreshToken);
      assert.equal(await liveTokens(session.accessToken), 0);
    }
  });

  it('need a token to sign out', async () => {
    const answer = await post(identity.server, '/logout');
    assert.equal(answer.statusCode, 401);
    assert.equal(problemOf(answer).code, 'unauthenticated');
    assert.equal(answer.headers['www-authenticate'], 'Bearer');
  });

  it('take no body and no query when signing out', async () => {
    const { accessToken, refreshToken } = await newSession();
    assert.equal((await post(identity.server, '/logout', { everywhere: true }, accessToken)).statusCode, 422);
    assert.equal((await post(identity.server, '/logout?everywhere=1', undefined, accessToken)).statusCode, 422);
    tokens(await refresh(refreshToken));
  });

  it('expire, and are neither revived nor ended by a late refresh', async () => {
    const session = await newSession();
    const family = decodeJwt(session.accessToken)['sid'];
    await database.query(`UPDATE refresh_families SET expires_at = now() - interval '1 second' WHERE family_id = $1`, [
      family,
    ]);
    await refused(session.refreshToken);
    await refused(session.refreshToken);
    const rows = await database.query(
      `SELECT expires_at < now() AS expired, ended_at IS NOT NULL AS ended, used_at IS NOT NULL AS used
         FROM refresh_families JOIN refresh_tokens USING (family_id) WHERE family_id = $1`,
      [family],
    );
    assert.deepEqual(rows, [{ expired: true, ended: false, used: false }]);
  });
});
