import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { accessAudience, AccessClaims } from '@ballast/contracts';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Value } from 'typebox/value';
import {
  createTestDatabase,
  issuer,
  newPerson,
  post,
  problemOf,
  register,
  signIn,
  startIdentity,
  type IdentityDatabase,
} from '../support.ts';

describe('accounts', () => {
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
  const users = async (email: string) =>
    database.query<{ email: string; password_hash: string }>(
      'SELECT email, password_hash FROM users WHERE email = $1',
      [email],
    );

  it('are opened for customers, and the password is kept as a hash only', async () => {
    const credentials = { email: 'Ada.Lovelace@Example.com', password: 'analytical engine' };
    const answer = await post(identity.server, '/register', credentials);
    assert.equal(answer.statusCode, 201);
    const { user } = answer.json();
    assert.deepEqual(Object.keys(answer.json()), ['user']);
    assert.deepEqual(
      { email: user.email, roles: user.roles },
      { email: 'ada.lovelace@example.com', roles: ['customer'] },
    );
    assert.match(user.userId, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const [row] = await users('ada.lovelace@example.com');
    assert.match(row!.password_hash, /^\$argon2id\$/);
    assert.ok(!row!.password_hash.includes(credentials.password));
  });

  it('are one per address, in whatever case it is written', async () => {
    const { credentials } = await register(identity.server);
    for (const email of [credentials.email, credentials.email.toUpperCase()]) {
      const answer = await post(identity.server, '/register', { email, password: 'another password' });
      assert.equal(answer.statusCode, 409);
      const problem = problemOf(answer);
      assert.equal(problem.code, 'conflict');
      assert.equal(problem.field, 'email');
    }
    await signIn(identity.server, credentials);
  });

  it('are opened once when fifty people want the same address at once', async () => {
    const { email } = newPerson();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        post(identity.server, '/register', {
          email: index % 2 === 0 ? email : email.toUpperCase(),
          password: `password number ${index}`,
        }),
      ),
    );
    const statuses = answers.map((answer) => answer.statusCode);
    assert.equal(statuses.filter((status) => status === 201).length, 1);
    assert.equal(statuses.filter((status) => status === 409).length, 49);
    assert.equal((await users(email)).length, 1);
    const winner = statuses.indexOf(201);
    await signIn(identity.server, { email, password: `password number ${winner}` });
    const loser = (winner + 1) % 50;
    assert.equal(
      (await post(identity.server, '/login', { email, password: `password number ${loser}` })).statusCode,
      401,
    );
  });

  it('need an address and a password of ten characters', async () => {
    for (const [body, field] of [
      [{ email: 'nobody', password: 'long enough password' }, 'email'],
      [{ email: 'short@example.com', password: 'ninechars' }, 'password'],
      [{ email: 'long@example.com', password: 'x'.repeat(201) }, 'password'],
      [{ email: 'missing@example.com' }, 'password'],
      [{ email: 'admin@example.com', password: 'long enough password', roles: ['operator'] }, 'roles'],
    ] as const) {
      const answer = await post(identity.server, '/register', body);
      assert.equal(answer.statusCode, 422, JSON.stringify(body));
      assert.equal(problemOf(answer).field, field);
      assert.equal((await users(body.email)).length, 0);
    }
  });

  it('give a pair of tokens to whoever knows the password', async () => {
    const { user, credentials } = await register(identity.server);
    const answer = await post(identity.server, '/login', { ...credentials, email: credentials.email.toUpperCase() });
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['cache-control'], 'no-store');
    const pair = answer.json();
    assert.deepEqual(pair.user, user);
    assert.equal(pair.expiresIn, 900);
    assert.match(pair.refreshToken, /^[A-Za-z0-9_-]{43}$/);

    const { alg, typ, kid } = decodeProtectedHeader(pair.accessToken);
    assert.deepEqual({ alg, typ, kid: typeof kid }, { alg: 'ES256', typ: 'at+jwt', kid: 'string' });
    const claims = decodeJwt(pair.accessToken);
    Value.Assert(AccessClaims, claims);
    assert.equal(claims.iss, issuer);
    assert.equal(claims.aud, accessAudience);
    assert.equal(claims.sub, user.userId);
    assert.equal(claims.exp - claims.iat, 900);
    assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 60);
    assert.deepEqual(claims.roles, ['customer']);
    assert.match(String((claims as Record<string, unknown>)['sid']), /^[0-9a-f-]{36}$/);

    const again = await signIn(identity.server, credentials);
    assert.notEqual(decodeJwt(again.accessToken).jti, claims.jti);
  });

  it('keep no token in the clear', async () => {
    const { credentials } = await register(identity.server);
    const { refreshToken } = await signIn(identity.server, credentials);
    const rows = await database.query(
      'SELECT t::text AS line FROM refresh_tokens t UNION ALL SELECT f::text FROM refresh_families f',
    );
    const dump = JSON.stringify(rows);
    assert.ok(!dump.includes(refreshToken));
    assert.ok(!dump.includes(Buffer.from(refreshToken).toString('hex')));
    assert.ok(!dump.includes(Buffer.from(refreshToken, 'base64url').toString('hex')));
  });

  it('answer a wrong password, an unknown address and impossible ones in the same words', async () => {
    const { credentials } = await register(identity.server);
    const bodies = await Promise.all(
      [
        { ...credentials, password: `${credentials.password}!` },
        { ...credentials, password: 'short' },
        { ...credentials, password: '' },
        { ...credentials, password: 'x'.repeat(900) },
        { email: 'unknown@example.com', password: credentials.password },
        { email: 'not an address', password: 'x' },
      ].map(async (body) => {
        const answer = await post(identity.server, '/login', body);
        assert.equal(answer.statusCode, 401);
        assert.equal(problemOf(answer).code, 'invalid-credentials');
        return answer.body;
      }),
    );
    assert.equal(new Set(bodies).size, 1);
  });

  it('take as long to refuse an unknown address as a wrong password', async () => {
    const { credentials } = await register(identity.server);
    const time = async (body: { email: string; password: string }): Promise<number> => {
      const start = performance.now();
      assert.equal((await post(identity.server, '/login', body)).statusCode, 401);
      return performance.now() - start;
    };
    const wrong: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 15; round += 1) {
      wrong.push(await time({ ...credentials, password: 'wrong password' }));
      unknown.push(await time({ email: `nobody-${round}@example.com`, password: 'wrong password' }));
    }
    // Without a hash in one of the paths the medians would lie a factor of ten apart.
    const ratio = median(wrong) / median(unknown);
    assert.ok(ratio > 0.25 && ratio < 4, `wrong password ${median(wrong)} ms, unknown address ${median(unknown)} ms`);
  });

  it('turn a flood away with 503 and a time to come back, and serve the rest', async () => {
    const { credentials } = await register(identity.server);
    let hashed = 0;
    const flood = Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await post(identity.server, '/login', { ...credentials, password: 'wrong password' });
        if (answer.statusCode === 401) hashed += 1;
        return answer;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await identity.server.inject('/.well-known/jwks.json')).statusCode, 200);
    const before = hashed;
    const answers = await flood;
    // More than a hundred are hashed in the end, one after the other: behind them in line this could not be.
    assert.ok(before < 50, `others waited for ${before} passwords`);
    const refused = answers.filter((answer) => answer.statusCode === 503);
    assert.ok(refused.length >= 50 && refused.length < 100, `${refused.length} refused`);
    assert.ok(answers.every((answer) => answer.statusCode === 503 || answer.statusCode === 401));
    for (const answer of refused) {
      assert.equal(problemOf(answer).code, 'unavailable');
      assert.ok(Number(answer.headers['retry-after']) >= 1);
    }
    await signIn(identity.server, credentials);
  });
});

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
