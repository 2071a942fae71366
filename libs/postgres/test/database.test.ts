import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { testDatabase, until, type TestDatabase } from '@ballast/testing';
import { createDatabase, DatabaseError, migrate, type Database } from '../src/index.ts';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

describe('the database', () => {
  let test: TestDatabase;
  let database: Database;
  const idleErrors: Error[] = [];

  before(async () => {
    test = await testDatabase({ schema: 'things', sets: [] });
    database = createDatabase({
      url: test.url,
      applicationName: 'victim',
      maxConnections: 4,
      statementTimeoutMs: 400,
      onIdleError: (error) => idleErrors.push(error),
    });
    await test.database.query('CREATE TABLE things (id int PRIMARY KEY)');
  });
  after(async () => {
    await database.close();
    await test.drop();
  });

  it('commits what a transaction did and runs its after-commit work only then', async () => {
    const order: string[] = [];
    await database.transaction(async (transaction) => {
      transaction.afterCommit(() => order.push('after commit'));
      await transaction.query('INSERT INTO things VALUES (1)');
      order.push('inserted');
    });
    assert.deepEqual(order, ['inserted', 'after commit']);
    assert.equal((await database.query('SELECT * FROM things WHERE id = 1')).length, 1);
  });

  it('rolls back when the work throws, and the connection stays usable', async () => {
    let ran = false;
    await assert.rejects(
      database.transaction(async (transaction) => {
        transaction.afterCommit(() => {
          ran = true;
        });
        await transaction.query('INSERT INTO things VALUES (2)');
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    assert.equal(ran, false);
    assert.deepEqual(await database.query('SELECT * FROM things WHERE id = 2'), []);
  });

  it('never takes for committed what the server has rolled back', async () => {
    let ran = false;
    const swallowed = database.transaction(async (transaction) => {
      transaction.afterCommit(() => {
        ran = true;
      });
      await transaction.query('INSERT INTO things VALUES (3)');
      // Work that catches a failed statement goes on in a transaction that cannot commit any more.
      await transaction.query('SELECT 1 / 0').catch(() => {});
    });
    await assert.rejects(swallowed, /rolled back/);
    assert.equal(ran, false);
    assert.deepEqual(await database.query('SELECT * FROM things WHERE id = 3'), []);
  });

  it('says of an error whether trying again can help', async () => {
    await assert.rejects(
      database.query('INSERT INTO things VALUES (1)'),
      (error: DatabaseError) => error.sqlstate === '23505' && !error.retryable && error.constraint === 'things_pkey',
    );
    await assert.rejects(
      database.query('SELECT pg_sleep(5)'),
      (error: DatabaseError) => error.sqlstate === '57014' && error.retryable,
    );
    const nowhere = createDatabase({ url: 'postgres://nobody:x@127.0.0.1:1/x', applicationName: 'x' });
    await assert.rejects(
      nowhere.query('SELECT 1'),
      (error: DatabaseError) => error instanceof DatabaseError && error.retryable,
    );
    await nowhere.close();
  });

  it('waits no longer for an answer than it may, also where the server keeps no time', async () => {
    const hasty = createDatabase({
      url: test.url,
      applicationName: 'hasty',
      statementTimeoutMs: 0,
      queryTimeoutMs: 200,
    });
    try {
      await assert.rejects(
        hasty.query('SELECT pg_sleep(4)'),
        (error: DatabaseError) => error.sqlstate === undefined && error.retryable,
      );
    } finally {
      await hasty.close();
    }
  });

  it('survives the loss of connections in use and idle', async () => {
    const lost = database.transaction(async (transaction) => {
      await transaction.query('SELECT 1');
      await test.database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'`,
      );
      await transaction.query('SELECT 1');
    });
    await assert.rejects(lost, (error: DatabaseError) => error.retryable);
    assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('tries a deadlocked transaction again', async () => {
    await database.query('INSERT INTO things VALUES (10), (11)');
    let locked = 0;
    const lock = (first: number, second: number) =>
      database.transaction(async (transaction) => {
        await transaction.query('SELECT * FROM things WHERE id = $1 FOR UPDATE', [first]);
        locked += 1;
        await until('both to hold their first lock', () => locked >= 2);
        await transaction.query('SELECT * FROM things WHERE id = $1 FOR UPDATE', [second]);
        return true;
      });
    await test.administrate(`ALTER DATABASE ${new URL(test.url).pathname.slice(1)} SET deadlock_timeout = '50ms'`);
    assert.deepEqual(await Promise.all([lock(10, 11), lock(11, 10)]), [true, true]);
  });

  it('applies migrations once, however many replicas start together', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'migrations-'));
    await writeFile(
      join(directory, '001_one.sql'),
      '-- Up Migration\nCREATE TABLE made_once (id int);\n-- Down Migration\nDROP TABLE made_once;\n',
    );
    const run = () => migrate({ url: test.url, schema: 'things', sets: [{ name: 'extra', directory }] });
    const applied = await Promise.all([run(), run(), run()]);
    assert.deepEqual(applied.flat(), ['extra/001_one']);
    assert.deepEqual(await run(), []);
  });
});
