import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { ServiceProcess } from '@ballast/testing';
import type { TokenPair } from '@ballast/contracts';
import { ConfigError } from '@ballast/service';
import { readConfig } from '../src/config.ts';
import { seedLabAccounts } from '../src/lab-accounts.ts';
import {
  createTestDatabase,
  environment,
  post,
  register,
  signIn,
  spawnIdentity,
  startIdentity,
  tokens,
  type IdentityDatabase,
} from './support.ts';

const operator = { email: 'operator@ballast.test', password: 'ballast-operator' };
const demo = { email: 'demo@ballast.test', password: 'ballast-demo' };

describe('identity at its start', () => {
  let database: IdentityDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  it('may be two replicas at once on an empty database: one key, each lab account once', async () => {
    const replicas = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        startIdentity(database.url, { LAB_MODE: '1', INSTANCE: `identity-${index}` }),
      ),
    );
    try {
      const published = await Promise.all(
        replicas.map(async ({ server }) => (await server.inject('/.well-known/jwks.json')).body),
      );
      assert.equal(new Set(published).size, 1);
      assert.equal(JSON.parse(published[0]!).keys.length, 1);
      const accounts = await database.query('SELECT email, roles FROM users ORDER BY email');
      assert.deepEqual(accounts, [
        { email: demo.email, roles: ['customer'] },
        { email: operator.email, roles: ['customer', 'operator'] },
      ]);
      // What one signs, each accepts.
      for (const { server } of replicas) {
        for (const other of replicas) {
          const session = await signIn(server, demo);
          assert.equal((await post(other.server, '/logout', undefined, session.accessToken)).statusCode, 204);
        }
      }
      assert.deepEqual((await signIn(replicas[0]!.server, operator)).user.roles, ['customer', 'operator']);
    } finally {
      await Promise.all(replicas.map((replica) => replica.stop()));
    }
  });

  it('has no lab accounts outside the lab', async () => {
    const identity = await startIdentity(database.url);
    assert.equal((await post(identity.server, '/login', operator)).statusCode, 401);
    assert.deepEqual(await database.query('SELECT FROM users'), []);
    await identity.stop();
  });

  it('leaves lab accounts as they are when started again', async () => {
    const rows = () => database.query('SELECT user_id, password_hash, created_at FROM users ORDER BY user_id');
    await (await startIdentity(database.url, { LAB_MODE: '1' })).stop();
    const first = await rows();
    assert.equal(first.length, 2);
    await (await startIdentity(database.url, { LAB_MODE: '1' })).stop();
    assert.deepEqual(await rows(), first);
    const noHashing = { hash: () => assert.fail('a hash was made'), matches: () => assert.fail('a hash was made') };
    await seedLabAccounts(database, noHashing);
  });

  it('keeps keys and sessions from one run to the next', async () => {
    const first = await startIdentity(database.url);
    const session = await signIn(first.server, (await register(first.server)).credentials);
    const keys = (await first.server.inject('/.well-known/jwks.json')).body;
    await first.stop();

    const second = await startIdentity(database.url);
    assert.equal((await second.server.inject('/.well-known/jwks.json')).body, keys);
    const next = tokens(await post(second.server, '/refresh', { refreshToken: session.refreshToken }));
    assert.equal((await post(second.server, '/logout', undefined, session.accessToken)).statusCode, 204);
    assert.equal((await post(second.server, '/refresh', { refreshToken: next.refreshToken })).statusCode, 401);
    await second.stop();
  });

  it('signs with the active key and publishes the others too', async () => {
    const first = await startIdentity(database.url);
    const session = await signIn(first.server, (await register(first.server)).credentials);
    await first.stop();
    await database.query('UPDATE signing_keys SET active = false');

    const second = await startIdentity(database.url);
    assert.equal((await second.server.inject('/.well-known/jwks.json')).json().keys.length, 2);
    assert.equal((await post(second.server, '/logout', undefined, session.accessToken)).statusCode, 204);
    await second.stop();
  });

  it('ends with one sentence and exit code 1 when KEY_ENCRYPTION_SECRET is another', async () => {
    await (await startIdentity(database.url)).stop();
    const identity = await spawnIdentity(database.url, { KEY_ENCRYPTION_SECRET: 'another secret, also long enough' });
    assert.equal((await identity.ended).code, 1);
    assert.equal(identity.lines.length, 1, identity.lines.join('\n'));
    assert.match(
      identity.lines[0]!,
      /cannot start: KEY_ENCRYPTION_SECRET: is not the one that signing key .* was sealed with/,
    );
    assert.ok(!identity.lines[0]!.includes('also long enough'));
    await (await startIdentity(database.url)).stop();
  });

  it('ends with exit code 1 when the database is not there, and says so', async () => {
    const identity = await spawnIdentity('postgres://nobody:secret-word@127.0.0.1:1/none');
    assert.equal((await identity.ended).code, 1);
    assert.match(identity.lines.join('\n'), /cannot start: .*ECONNREFUSED/);
    assert.ok(!identity.lines.join('\n').includes('secret-word'));
  });
});

describe('the configuration', () => {
  const url = 'postgres://localhost/ballast';
  it('has fifteen minutes and seven days where nothing else is said', () => {
    const config = readConfig(environment(url));
    assert.equal(config.ACCESS_TOKEN_SECONDS, 900);
    assert.equal(config.REFRESH_TOKEN_SECONDS, 604_800);
  });

  it('names the variable that is wrong, and never repeats a secret', () => {
    for (const [name, value] of [
      ['POSTGRES_URL', 'mysql://localhost'],
      ['IDENTITY_URL', 'http://localhost:4001/'],
      ['IDENTITY_URL', 'localhost:4001'],
      ['KEY_ENCRYPTION_SECRET', 'too short a secret'],
      ['KEY_ENCRYPTION_SECRET', ''],
      ['ACCESS_TOKEN_SECONDS', '0'],
      ['REFRESH_TOKEN_SECONDS', 'a week'],
    ] as const) {
      assert.throws(
        () => readConfig(environment(url, { [name]: value })),
        (error) =>
          error instanceof ConfigError &&
          error.message.startsWith(`${name}: `) &&
          !error.message.includes('too short a'),
        `${name}=${value}`,
      );
    }
  });
});

describe('the identity process', () => {
  let database: IdentityDatabase;
  let identity: ServiceProcess;
  before(async () => {
    database = await createTestDatabase();
  });
  after(() => database.drop());

  const send = async (path: string, body: object) =>
    fetch(`${identity.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });

  it('starts without a warning, serves, and ends with exit code 0 on SIGTERM', async () => {
    identity = await spawnIdentity(database.url, { LAB_MODE: '1' });
    await identity.ready();
    assert.equal((await send('/login', demo)).status, 200);
    assert.equal((await identity.end('SIGTERM')).code, 0);
    const levels = identity.lines.map((line) => (JSON.parse(line) as { level: number }).level);
    assert.ok(
      levels.every((level) => level <= 30),
      identity.lines.join('\n'),
    );
  });

  it('writes no password and no token into its log, not even when a session is ended for reuse', async () => {
    identity = await spawnIdentity(database.url, { LAB_MODE: '1', LOG_LEVEL: 'trace' });
    await identity.ready();
    const pair = (await (await send('/login', demo)).json()) as TokenPair;
    const next = (await (await send('/refresh', { refreshToken: pair.refreshToken })).json()) as TokenPair;
    assert.equal((await send('/refresh', { refreshToken: pair.refreshToken })).status, 401);
    assert.equal((await send('/login', { ...demo, password: 'a wrong password' })).status, 401);
    assert.equal((await identity.end()).code, 0);
    const log = identity.lines.join('\n');
    assert.match(log, /used twice: session ended/);
    for (const word of [
      demo.password,
      'a wrong password',
      pair.refreshToken,
      next.refreshToken,
      pair.accessToken,
      'argon2',
    ]) {
      assert.ok(!log.includes(word), word);
    }
  });

  it('killed between a rotation and its answer leaves the session to a new sign-in, never to two tokens', async () => {
    identity = await spawnIdentity(database.url, { LAB_MODE: '1', FAULTS: 'after-rotation=crash' });
    await identity.ready();
    const pair = (await (await send('/login', demo)).json()) as TokenPair;
    await assert.rejects(send('/refresh', { refreshToken: pair.refreshToken }));
    assert.equal((await identity.ended).signal, 'SIGKILL');

    identity = await spawnIdentity(database.url, { LAB_MODE: '1' });
    await identity.ready();
    assert.equal((await send('/refresh', { refreshToken: pair.refreshToken })).status, 401);
    const [row] = await database.query<{ ended: boolean }>(
      'SELECT ended_at IS NOT NULL AS ended FROM refresh_families ORDER BY created_at DESC LIMIT 1',
    );
    assert.equal(row!.ended, true);
    assert.equal((await send('/login', demo)).status, 200);
    assert.equal((await identity.end()).code, 0);
  });
});
