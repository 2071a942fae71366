import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { configureFaults, plantDefect } from '@ballast/faults';
import { isRetryable } from '@ballast/postgres';
import { until, type TestDatabase, genericPlan } from '@ballast/testing';
import { LeaseLost } from '../src/index.ts';
import type { IdempotencyOptions } from '../src/index.ts';
import * as sql from '../src/sql.ts';
import { postgresKeys } from '../src/store.ts';
import { sweepOnce } from '../src/sweep.ts';
import { answer, heldWork, never, openDatabase, replica, request, type Replica } from './support.ts';

describe('a request under a key', () => {
  let test: TestDatabase;
  const open: Replica[] = [];
  const start = (options?: Partial<IdempotencyOptions> & { connectTimeoutMs?: number }): Replica => {
    const started = replica(test.url, options);
    open.push(started);
    return started;
  };
  before(async () => {
    test = await openDatabase();
  });
  afterEach(async () => {
    configureFaults({ labMode: false, faults: '' });
    await Promise.all(open.splice(0).map((each) => each.close()));
    await test.database.query('DELETE FROM idempotency_keys');
  });
  after(async () => {
    await test.drop();
  });

  const passLeases = (): Promise<unknown> =>
    test.database.query(
      `UPDATE idempotency_keys SET held_until = now() - interval '1 second' WHERE holder IS NOT NULL`,
    );
  const rows = (): Promise<Record<string, unknown>[]> =>
    test.database.query('SELECT key, status, holder FROM idempotency_keys ORDER BY key');

  it('runs once; whoever repeats it gets the same status, headers and body', async () => {
    const one = start();
    const asked = request();
    assert.deepEqual(await one.once(asked, async () => answer()), { outcome: 'answered', answer: answer() });
    for (const other of [one, start()]) {
      assert.deepEqual(await other.once(asked, never), { outcome: 'replayed', answer: answer() });
    }
    assert.deepEqual(one.events, ['first', 'replayed']);
  });

  it('is only read when it is repeated: no row version, not even a lock', async () => {
    const one = start();
    const asked = request();
    await one.once(asked, async () => answer());
    const version = (): Promise<unknown> => test.database.query('SELECT ctid::text, xmin, xmax FROM idempotency_keys');
    const before_ = await version();
    await Promise.all(Array.from({ length: 50 }, () => one.once(asked, never)));
    await one.once({ ...asked, fingerprint: request({ quantity: 2 }).fingerprint }, never);
    assert.deepEqual(await version(), before_);
  });

  it('is told to wait while the first is at it, and another body is refused at once', async () => {
    const one = start();
    const asked = request();
    const held = heldWork();
    const first = one.once(asked, held.work);
    await held.begun;
    assert.deepEqual(await start().once(asked, never), { outcome: 'running', retryAfterSeconds: 1 });
    const other = { ...asked, fingerprint: request({ quantity: 2 }).fingerprint };
    assert.deepEqual(await start().once(other, never), { outcome: 'reused' });
    held.end(answer());
    assert.equal((await first).outcome, 'answered');
    assert.deepEqual(await start().once(other, never), { outcome: 'reused' });
  });

  it('that has been waited for in vain is told to wait for the end of the lease', async () => {
    const asked = request();
    const held = heldWork();
    const first = start({ leaseMs: 80_000 }).once(asked, held.work);
    await held.begun;
    await test.database.query(`UPDATE idempotency_keys SET held_until = now() + interval '35 seconds'`);
    const told = await start({ leaseMs: 80_000 }).once(asked, never);
    assert.ok(told.outcome === 'running', told.outcome);
    // Less what has passed since.
    assert.ok(told.retryAfterSeconds > 20 && told.retryAfterSeconds <= 35, `${told.retryAfterSeconds} s`);
    held.end(answer());
    await first;
  });

  it('is another one for another caller, and on another route', async () => {
    const one = start();
    const asked = request();
    for (const more of [{}, { principal: 'bob' }, { route: 'POST /claims' }]) {
      assert.equal((await one.once({ ...asked, ...more }, async () => answer())).outcome, 'answered');
    }
    assert.equal((await rows()).length, 3);
  });

  it('runs once per key with many callers at two replicas, whose batches overlap', async () => {
    const replicas = [start(), start()];
    let ran = 0;
    for (let round = 0; round < 10; round += 1) {
      const asked = Array.from({ length: 40 }, () => request());
      const outcomes = await Promise.all(
        Array.from({ length: 4 }, (_, caller) =>
          asked.map((each) =>
            replicas[caller % 2]!.once(each, async () => {
              ran += 1;
              return answer();
            }),
          ),
        ).flat(),
      );
      assert.equal(ran, 40 * (round + 1));
      assert.equal(outcomes.filter(({ outcome }) => outcome === 'answered').length, 40);
      assert.equal(outcomes.filter(({ outcome }) => outcome === 'reused').length, 0);
    }
  });

  it('is taken over when the lease of who died is over; what he says later changes nothing', async () => {
    const one = start();
    const two = start();
    const asked = request();
    const held = heldWork();
    const first = one.once(asked, held.work);
    await held.begun;
    await passLeases();
    const other = { ...asked, fingerprint: request({ quantity: 2 }).fingerprint };
    assert.deepEqual(await two.once(other, never), { outcome: 'reused' });
    const second = answer(202, '{"orderId":"1","by":"two"}');
    assert.deepEqual(await two.once(asked, async () => second), { outcome: 'answered', answer: second });
    held.end(answer(202, '{"orderId":"1","by":"one"}'));
    await first;
    assert.deepEqual(await one.once(asked, never), { outcome: 'replayed', answer: second });
    assert.deepEqual(two.events, ['reused', 'taken-over']);
    assert.deepEqual(one.events, ['first', 'superseded', 'replayed']);
  });

  it('is taken over by one of many', async () => {
    const dead = heldWork();
    const asked = request();
    const first = start().once(asked, dead.work);
    await dead.begun;
    await passLeases();
    const replicas = [start(), start(), start()];
    let ran = 0;
    await Promise.all(
      Array.from({ length: 30 }, (_, caller) =>
        replicas[caller % 3]!.once(asked, async () => {
          ran += 1;
          return answer();
        }),
      ),
    );
    assert.equal(ran, 1);
    dead.end(answer());
    await first;
  });

  it('that was not dealt with leaves nothing behind: the key is free for another body', async () => {
    const one = start();
    const asked = request();
    assert.equal((await one.once(asked, async () => answer(429))).outcome, 'answered');
    assert.deepEqual(await rows(), []);
    const other = { ...asked, fingerprint: request({ quantity: 2 }).fingerprint };
    assert.equal((await one.once(other, async () => answer())).outcome, 'answered');
  });

  it('whose outcome is unknown may be tried again at once, with the same body only', async () => {
    const one = start();
    const asked = request();
    const other = { ...asked, fingerprint: request({ quantity: 2 }).fingerprint };
    await assert.rejects(
      one.once(asked, () => Promise.reject(new Error('no answer'))),
      /no answer/,
    );
    assert.deepEqual(await one.once(other, never), { outcome: 'reused' });
    assert.equal((await one.once(asked, async () => answer(503))).outcome, 'answered');
    assert.deepEqual(await one.once(other, never), { outcome: 'reused' });
    assert.equal((await one.once(asked, async () => answer())).outcome, 'answered');
    assert.equal((await one.once(asked, never)).outcome, 'replayed');
  });

  it('is a new one a day later, with whatever body', async () => {
    const one = start();
    const asked = request();
    const other = { ...asked, fingerprint: request({ quantity: 2 }).fingerprint };
    await one.once(asked, async () => answer());
    const age = (hours: number): Promise<unknown> =>
      test.database.query(`UPDATE idempotency_keys SET created_at = now() - $1 * interval '1 hour'`, [hours]);
    await age(23.9);
    assert.deepEqual(await one.once(other, never), { outcome: 'reused' });
    await age(24.1);
    assert.equal((await one.once(other, async () => answer(200))).outcome, 'answered');
    assert.equal((await one.once(asked, never)).outcome, 'reused');
  });

  it('is forgotten a day later, step by step, by several replicas at once, but not while somebody is at it', async () => {
    const one = start();
    const held = heldWork();
    const running = one.once(request(), held.work);
    await held.begun;
    await Promise.all(Array.from({ length: 95 }, () => one.once(request(), async () => answer())));
    await test.database.query(`UPDATE idempotency_keys SET created_at = now() - interval '25 hours'`);
    await one.once(request({}, { key: 'young' }), async () => answer());
    const keepMs = 24 * 3_600_000;
    const gone = await Promise.all(
      [one, start()].map(({ database }) => sweepOnce({ store: postgresKeys(database), keepMs }, () => false, 20)),
    );
    // One that skips what the other has locked may see a short page and stop: together they take all but the last.
    gone.push(await sweepOnce({ store: postgresKeys(one.database), keepMs }, () => false, 20));
    assert.equal(
      gone.reduce((sum, each) => sum + each, 0),
      95,
    );
    assert.equal((await rows()).length, 2);
    held.end(answer());
    await running;
  });

  it('is looked up by index, also by connections that planned the statement while the table was empty', async () => {
    const fresh = await openDatabase();
    const types: Record<string, string> = {
      [sql.claim.text]: 'text[], text[], text[], bytea[], text[], float8, float8',
      [sql.settle.text]: 'text[], text[], text[], text[], boolean[], smallint[], jsonb[], bytea[]',
    };
    for (const { text } of [sql.claim, sql.settle]) {
      const plan = await genericPlan(fresh.database, text, types[text]!);
      assert.match(plan, /Index Scan using idempotency_keys_pkey/);
      assert.doesNotMatch(plan, /Seq Scan on idempotency_keys/);
    }
    await fresh.drop();
  });

  it('is not begun when the key cannot be claimed', async () => {
    const one = start({ connectTimeoutMs: 300 });
    await test.cut();
    try {
      await assert.rejects(one.once(request(), never), isRetryable);
    } finally {
      await test.restore();
    }
  });

  it('is not begun when claiming took so long that the lease could end under it', async () => {
    const one = start({ leaseMs: 5_100, workMs: 5_000 });
    const asked = request();
    const locked = Promise.withResolvers<void>();
    const blocking = test.database.transaction(async (transaction) => {
      await transaction.query('LOCK TABLE idempotency_keys IN EXCLUSIVE MODE');
      locked.resolve();
      await until('the claim to have waited', async () => {
        const waiting = await test.database.query(
          `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
              AND now() - query_start > interval '150 milliseconds'`,
        );
        return waiting.length > 0;
      });
    });
    await locked.promise;
    await assert.rejects(one.once(asked, never), isRetryable);
    await blocking;
    assert.equal((await one.once(asked, async () => answer())).outcome, 'answered');
  });

  it('is answered in time when storing its answer hangs; it is stored all the same', async () => {
    const one = start({ storeWithinMs: 100 });
    const asked = request();
    const held = heldWork();
    const first = one.once(asked, held.work);
    await held.begun;
    const locked = Promise.withResolvers<void>();
    const blocking = test.database.transaction(async (transaction) => {
      await transaction.query('LOCK TABLE idempotency_keys IN EXCLUSIVE MODE');
      locked.resolve();
      await first;
    });
    await locked.promise;
    held.end(answer());
    assert.deepEqual(await first, { outcome: 'answered', answer: answer() });
    await blocking;
    await one.stop();
    assert.deepEqual(await one.once(asked, never), { outcome: 'replayed', answer: answer() });
  });

  it('is answered with the real answer when it cannot be stored', async () => {
    const one = start({ connectTimeoutMs: 2_000 });
    const asked = request();
    const held = heldWork();
    const first = one.once(asked, held.work);
    await held.begun;
    await test.cut();
    try {
      held.end(answer());
      assert.deepEqual(await first, { outcome: 'answered', answer: answer() });
      await until('the report', () => one.errors.length > 0);
    } finally {
      await test.restore();
    }
    await passLeases();
    // So what is called must know the key itself: it is asked again.
    assert.equal((await start().once(asked, async () => answer())).outcome, 'answered');
  });

  it('with an answer too large to keep is answered, and may run again', async () => {
    const one = start({ maxBodyBytes: 10 });
    const asked = request();
    assert.equal((await one.once(asked, async () => answer(200, 'x'.repeat(11)))).outcome, 'answered');
    assert.equal((await one.once(asked, async () => answer(200, 'x'.repeat(10)))).outcome, 'answered');
    assert.equal((await one.once(asked, never)).outcome, 'replayed');
  });

  it('can commit its effect with its answer; who lost the lease rolls back', async () => {
    const one = start();
    const asked = request();
    await test.database.query('CREATE TABLE IF NOT EXISTS effects (holder text)');
    const effect = (who: string, before_: () => Promise<unknown> = async () => undefined): Promise<unknown> =>
      one.once(asked, async (hold) => {
        await before_();
        return one.database.transaction(async (transaction) => {
          await transaction.query('INSERT INTO effects VALUES ($1)', [who]);
          await hold.store(transaction, answer());
          return answer();
        });
      });
    await assert.rejects(
      effect('slow', async () => {
        await passLeases();
        await effect('quick');
      }),
      LeaseLost,
    );
    assert.deepEqual(await test.database.query('SELECT holder FROM effects'), [{ holder: 'quick' }]);
    assert.deepEqual(await one.once(asked, never), { outcome: 'replayed', answer: answer() });
    await test.database.query('DROP TABLE effects');
  });

  it('runs for every caller where leases are left out on purpose', async () => {
    configureFaults({ labMode: true, faults: '' });
    plantDefect('idempotency.no-lease');
    const asked = request();
    const held = heldWork();
    const first = start().once(asked, held.work);
    await held.begun;
    assert.equal((await start().once(asked, async () => answer())).outcome, 'answered');
    held.end(answer());
    await first;
  });

  it('gets the answer to another body where fingerprints are left out on purpose', async () => {
    configureFaults({ labMode: true, faults: '' });
    plantDefect('idempotency.no-fingerprint');
    const one = start();
    const asked = request();
    await one.once(asked, async () => answer());
    const other = { ...asked, fingerprint: request({ quantity: 2 }).fingerprint };
    assert.equal((await one.once(other, never)).outcome, 'replayed');
  });
});

it('a lease that is no longer than the work is refused', () => {
  assert.throws(() => replica('postgres://nowhere', { leaseMs: 5_000, workMs: 5_000 }), RangeError);
});
