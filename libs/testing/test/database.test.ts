import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createDatabase } from '@ballast/postgres';
import { testDatabase, until, type TestDatabase } from '../src/index.ts';

describe('a test database', () => {
  let one: TestDatabase;
  let other: TestDatabase;
  before(async () => {
    [one, other] = await Promise.all([
      testDatabase({ schema: 'parcels', sets: [] }),
      testDatabase({ schema: 'parcels', sets: [] }),
    ]);
  });
  after(() => Promise.all([one.drop(), other.drop()]));

  it('is used by a login that is no superuser and has the schema as its search path', async () => {
    const [login] = await one.database.query(
      `SELECT rolsuper, current_schema() AS schema FROM pg_roles WHERE rolname = current_user`,
    );
    assert.deepEqual(login, { rolsuper: false, schema: 'parcels' });
    await assert.rejects(one.database.query(`ALTER SYSTEM SET work_mem = '1MB'`), /permission denied/);
    await one.administrate('CREATE TABLE made_by_admin (id int)');
    await assert.rejects(one.database.query('SELECT * FROM made_by_admin'), /permission denied/);
  });

  it('is not seen by another with the same content', async () => {
    await one.database.query('CREATE TABLE parcels (id int)');
    assert.deepEqual(await one.database.query('SELECT * FROM parcels'), []);
    await assert.rejects(other.database.query('SELECT * FROM parcels'), /does not exist/);
  });

  it('can be cut off and comes back, for whoever was connected', async () => {
    await other.database.ping();
    await other.cut();
    await assert.rejects(other.database.ping());
    await assert.rejects(other.database.ping(), /too many connections|terminat/);
    await other.restore();
    await until('it to answer again', async () => {
      await other.database.ping();
      return true;
    });
  });

  it('is gone after drop, sessions that were left open included', async () => {
    const third = await testDatabase({ schema: 'parcels', sets: [] });
    const leaked = createDatabase({ url: third.url, applicationName: 'leaked' });
    await leaked.ping();
    await third.drop();
    await assert.rejects(async () => {
      await leaked.ping();
      await leaked.ping();
    });
    await leaked.close();
    const name = new URL(third.url).pathname.slice(1);
    assert.deepEqual(await one.database.query('SELECT FROM pg_database WHERE datname = $1', [name]), []);
  });
});
