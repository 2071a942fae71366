import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { hashRefreshToken } from '../../src/domain/refresh-token.ts';
import {
  beginRefreshFamily,
  deleteExpired,
  rotateRefreshToken,
  type Rotation,
} from '../../src/store/refresh-families.ts';
import { createUser } from '../../src/store/users.ts';
import { createTestDatabase, startIdentity, type IdentityDatabase } from '../support.ts';

const hour = 3600;

describe('a refresh family', () => {
  let database: IdentityDatabase;
  const userId = randomUUIDv7();
  before(async () => {
    database = await createTestDatabase();
    await (await startIdentity(database.url)).stop();
    await createUser(database, { userId, email: 'ada@example.com', passwordHash: 'none', roles: ['customer'] });
  });
  after(() => database.drop());

  let tokens = 0;
  const newHash = () => hashRefreshToken(`token ${(tokens += 1)}`);
  const begin = async () => {
    const family = { familyId: randomUUIDv7(), userId, tokenHash: newHash(), lifetimeSeconds: hour };
    await beginRefreshFamily(database, family);
    return family;
  };
  const rotate = (presentedHash: Buffer, nextHash = newHash()) =>
    rotateRefreshToken(database, { presentedHash, nextHash, lifetimeSeconds: hour, accessSeconds: 900 });
  const count = (rotations: readonly Rotation[], outcome: Rotation['outcome']) =>
    rotations.filter((rotation) => rotation.outcome === outcome).length;

  it('has one winner and ends, in each of thirty races of twenty', async () => {
    for (let round = 0; round < 30; round += 1) {
      const { tokenHash, familyId } = await begin();
      const rotations = await Promise.all(Array.from({ length: 20 }, () => rotate(tokenHash)));
      assert.equal(count(rotations, 'rotated'), 1);
      assert.equal(count(rotations, 'reused'), 19);
      assert.equal(rotations.filter((rotation) => rotation.outcome === 'reused' && rotation.endedNow).length, 1);
      const rows = await database.query<{ used: boolean; ended: boolean }>(
        `SELECT used_at IS NOT NULL AS used, ended_at IS NOT NULL AS ended
           FROM refresh_tokens JOIN refresh_families USING (family_id) WHERE family_id = $1 ORDER BY used DESC`,
        [familyId],
      );
      assert.deepEqual(rows, [
        { used: true, ended: true },
        { used: false, ended: true },
      ]);
    }
  });

  it('ends when an old token meets the newest in a race, whoever is first, and never deadlocks', async () => {
    for (let round = 0; round < 50; round += 1) {
      const { tokenHash: old } = await begin();
      const newest = newHash();
      assert.equal((await rotate(old, newest)).outcome, 'rotated');
      const next = newHash();
      const [reused, rotated] = await Promise.all([rotate(old), rotate(newest, next)]);
      assert.equal(reused.outcome, 'reused');
      assert.ok(rotated.outcome === 'rotated' || rotated.outcome === 'ended');
      assert.equal((await rotate(next)).outcome, rotated.outcome === 'rotated' ? 'ended' : 'unknown');
    }
  });

  it('moves its end on with each rotation', async () => {
    const { tokenHash, familyId } = await begin();
    await database.query(`UPDATE refresh_families SET expires_at = now() + interval '1 minute' WHERE family_id = $1`, [
      familyId,
    ]);
    await rotate(tokenHash);
    const [row] = await database.query<{ seconds: number }>(
      'SELECT extract(epoch FROM expires_at - now())::float8 AS seconds FROM refresh_families WHERE family_id = $1',
      [familyId],
    );
    assert.ok(row!.seconds > hour - 60 && row!.seconds <= hour, `${row!.seconds} s`);
  });

  it('cannot have two live tokens, whatever is written', async () => {
    const { familyId } = await begin();
    await assert.rejects(
      database.query('INSERT INTO refresh_tokens (token_hash, family_id) VALUES ($1, $2)', [newHash(), familyId]),
      { constraint: 'refresh_tokens_one_live' },
    );
  });

  it('is deleted once it has expired, and so are used tokens that would have', async () => {
    const expired = await begin();
    await rotate(expired.tokenHash);
    await database.query(`UPDATE refresh_families SET expires_at = now() - interval '1 second' WHERE family_id = $1`, [
      expired.familyId,
    ]);
    const living = await begin();
    const newest = newHash();
    await rotate(living.tokenHash, newest);
    await database.query(`UPDATE refresh_tokens SET used_at = now() - interval '2 hours' WHERE token_hash = $1`, [
      living.tokenHash,
    ]);

    await deleteExpired(database, hour);

    const left = await database.query<{ family_id: string; token_hash: Buffer }>(
      'SELECT family_id, token_hash FROM refresh_tokens WHERE family_id = ANY($1)',
      [[expired.familyId, living.familyId]],
    );
    assert.deepEqual(
      left.map((row) => [row.family_id, row.token_hash.toString('hex')]),
      [[living.familyId, newest.toString('hex')]],
    );
    assert.deepEqual(await database.query('SELECT FROM refresh_families WHERE family_id = $1', [expired.familyId]), []);
    assert.equal((await rotate(newest)).outcome, 'rotated');
  });

  it('is deleted however many there are', async () => {
    await database.query(
      `INSERT INTO refresh_families (family_id, user_id, expires_at)
       SELECT gen_random_uuid(), $1, now() - interval '1 minute' FROM generate_series(1, 2500)`,
      [userId],
    );
    await deleteExpired(database, hour);
    assert.deepEqual(await database.query('SELECT FROM refresh_families WHERE expires_at < now()'), []);
  });
});
