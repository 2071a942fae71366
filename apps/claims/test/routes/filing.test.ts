/** Filing claims: what is accepted once and only once, and what is refused. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { until, type RunningApp } from '@ballast/testing';
import { claimOf, file, openBench, type Bench, type Person } from '../support.ts';

/**
 * Promised is a second. Whoever lacks that limit answers after the five of a statement, or never; and a machine that does
 * much else at the same time is no defect.
 */
const farTooLongMs = 4_500;

describe('filing a claim', () => {
  let bench: Bench;
  let apps: RunningApp[];
  let app: RunningApp;
  let person: Person;
  before(async () => {
    bench = await openBench();
    apps = [await bench.start(), await bench.start()];
    app = apps[0]!;
    person = bench.person();
  });
  after(() => bench.close());

  const claimsOf = async ({ userId }: Person): Promise<number> =>
    (await bench.test.database.query('SELECT FROM claims WHERE user_id = $1', [userId])).length;

  it('answers 201 with its place and the order’s total, asked at checkout with the caller’s own token', async () => {
    const orderId = bench.checkout.add(person.userId, 'Completed', 4200);
    const { status, headers, body } = await file(app, person, claimOf(orderId.toUpperCase()));
    assert.equal(status, 201);
    assert.equal(headers.get('location'), `/claims/${body.claimId}`);
    assert.equal(headers.get('idempotent-replayed'), null);
    assert.ok(Math.abs(Date.parse(body.createdAt) - Date.now()) < 10_000);
    assert.deepEqual(
      { ...body, claimId: '', createdAt: '' },
      {
        claimId: '',
        orderId,
        reason: 'damaged',
        details: 'The mug came in two pieces.',
        state: 'open',
        amount: { amount: 4200, currency: 'EUR' },
        createdAt: '',
        decidedAt: null,
        note: null,
      },
    );
    assert.deepEqual(bench.checkout.asked.at(-1), { path: `/orders/${orderId}`, token: person.token });
  });

  it('answers the same claim under the same key, from any replica, and says that it is a replay', async () => {
    const key = randomUUIDv7();
    const orderId = bench.checkout.add(person.userId);
    const first = await file(app, person, claimOf(orderId), key);
    assert.equal(first.status, 201);
    for (const replica of apps) {
      const again = await file(replica, person, claimOf(orderId.toUpperCase()), key);
      assert.equal(again.status, 200);
      assert.deepEqual(again.body, first.body);
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      assert.equal(again.headers.get('idempotent-replayed'), 'true');
    }
  });

  it('refuses another body under a key that is taken, and leaves the claim as it was', async () => {
    const key = randomUUIDv7();
    const orderId = bench.checkout.add(person.userId);
    const { body: first } = await file(app, person, claimOf(orderId), key);
    for (const other of [
      claimOf(orderId, 'Something else.'),
      { ...claimOf(orderId), reason: 'other' },
      claimOf(bench.checkout.add(person.userId)),
      claimOf(randomUUIDv7()),
    ]) {
      const { status, body } = await file(app, person, other, key);
      assert.equal(status, 422);
      assert.equal(body.code, 'idempotency-key-reused');
      assert.equal(body.field, 'Idempotency-Key');
    }
    assert.deepEqual((await file(app, person, claimOf(orderId), key)).body, first);
  });

  it('keeps the keys of different people apart', async () => {
    const key = randomUUIDv7();
    const other = bench.person();
    const mine = await file(app, person, claimOf(bench.checkout.add(person.userId)), key);
    const theirs = await file(app, other, claimOf(bench.checkout.add(other.userId)), key);
    assert.deepEqual([mine.status, theirs.status], [201, 201]);
    assert.notEqual(mine.body.claimId, theirs.body.claimId);
  });

  it('has one first writer among fifty callers at two replicas, and asks checkout once a replica', async () => {
    for (let round = 0; round < 20; round += 1) {
      const racer = bench.person();
      const orderId = bench.checkout.add(racer.userId);
      const key = randomUUIDv7();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => file(apps[index % 2]!, racer, claimOf(orderId), key)),
      );
      assert.equal(answers.filter(({ status }) => status === 201).length, 1);
      assert.equal(answers.filter(({ status }) => status === 200).length, 49);
      assert.equal(new Set(answers.map(({ body }) => body.claimId)).size, 1);
      assert.equal(await claimsOf(racer), 1);
      const asked = bench.checkout.asked.filter(({ path }) => path === `/orders/${orderId}`).length;
      assert.ok(asked >= 1 && asked <= 2, `checkout was asked ${asked} times`);
    }
  });

  it('gives callers who race with different bodies one claim, and the others 422', async () => {
    const orderId = bench.checkout.add(person.userId);
    await file(app, person, claimOf(orderId));
    for (let round = 0; round < 10; round += 1) {
      const key = randomUUIDv7();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => file(apps[index % 2]!, person, claimOf(orderId, `${index}`), key)),
      );
      const outcomes = answers.map(({ status }) => status).toSorted((a, b) => a - b);
      assert.deepEqual(outcomes, [201, ...Array.from({ length: 19 }, () => 422)]);
    }
  });

  it('needs checkout for the first claim of an order only', async () => {
    const orderId = bench.checkout.add(person.userId);
    const key = randomUUIDv7();
    const { body: first } = await file(app, person, claimOf(orderId), key);
    await bench.checkout.stop();
    const replay = await file(apps[1]!, person, claimOf(orderId), key);
    assert.equal(replay.status, 200);
    assert.deepEqual(replay.body, first);
    const second = await file(apps[1]!, person, claimOf(orderId, 'And the lamp is bent.'));
    assert.equal(second.status, 201);
    await bench.checkout.start();
  });

  it('answers 503 within a second when checkout is away, fails, or is silent, and files once it is back', async () => {
    for (const trouble of ['is away', 'fails', 'is silent'] as const) {
      const orderId = bench.checkout.add(person.userId);
      const key = randomUUIDv7();
      if (trouble === 'is away') await bench.checkout.stop();
      else bench.checkout.mood = trouble;
      const began = performance.now();
      const { status, headers, body } = await file(app, person, claimOf(orderId), key);
      const took = performance.now() - began;
      assert.equal(status, 503, trouble);
      assert.equal(body.code, 'unavailable');
      assert.equal(headers.get('retry-after'), '1');
      assert.ok(took < farTooLongMs, `${trouble}: ${took} ms`);
      if (trouble === 'is away') await bench.checkout.start();
      else bench.checkout.mood = 'answers';
      assert.equal((await file(app, person, claimOf(orderId), key)).status, 201);
    }
  });

  it('answers 503 within a second when the database does not answer, to those who waited behind others as well', async () => {
    const orderId = bench.checkout.add(person.userId);
    await file(app, person, claimOf(orderId));
    const key = randomUUIDv7();
    await bench.test.database.transaction(async (transaction) => {
      await transaction.query('LOCK TABLE claims IN ACCESS EXCLUSIVE MODE');
      const answers: Promise<{ status: number; took: number }>[] = [];
      const began = performance.now();
      const ask = async (): Promise<{ status: number; took: number }> => {
        const { status } = await file(app, person, claimOf(orderId), key);
        return { status, took: performance.now() - began };
      };
      answers.push(ask());
      await until('the first to wait', async () => {
        const waiting = `SELECT FROM pg_locks WHERE relation = 'claims'::regclass AND NOT granted`;
        return (await transaction.query(waiting)).length > 0;
      });
      answers.push(ask(), ask());
      for (const { status, took } of await Promise.all(answers)) {
        assert.equal(status, 503);
        assert.ok(took < farTooLongMs, `${took} ms`);
      }
    });
    assert.equal((await file(app, person, claimOf(orderId), key)).status, 201);
  });

  it('goes on to the other replica of checkout', async () => {
    const half = await bench.start({ CHECKOUT_URLS: `http://127.0.0.1:9,${bench.checkout.url}` });
    for (let round = 0; round < 4; round += 1) {
      const orderId = bench.checkout.add(person.userId);
      assert.equal((await file(half, person, claimOf(orderId))).status, 201);
    }
  });

  it('refuses an order nobody knows, or that belongs to somebody else, and keeps nothing under the key', async () => {
    const key = randomUUIDv7();
    const somebody = bench.person();
    const theirs = bench.checkout.add(somebody.userId);
    const knownAsTheirs = bench.checkout.add(somebody.userId);
    await file(app, somebody, claimOf(knownAsTheirs));
    for (const orderId of [randomUUIDv7(), theirs, knownAsTheirs]) {
      const { status, body } = await file(app, person, claimOf(orderId), key);
      assert.equal(status, 422);
      assert.equal(body.code, 'unknown-order');
      assert.equal(body.field, 'orderId');
    }
    const own = bench.checkout.add(person.userId);
    assert.equal((await file(app, person, claimOf(own), key)).status, 201);
  });

  it('lets operators claim what they bought themselves, and not what others did', async () => {
    const operator = bench.person('operator');
    const own = bench.checkout.add(operator.userId);
    const others = bench.checkout.add(person.userId);
    for (let newer = 0; newer < 120; newer += 1) bench.checkout.add(operator.userId);
    const refused = await file(app, operator, claimOf(others));
    assert.deepEqual([refused.status, refused.body.code], [422, 'unknown-order']);
    assert.equal((await file(app, operator, claimOf(own))).status, 201);
  });

  it('refuses an order that has not completed, and takes it once it has', async () => {
    const key = randomUUIDv7();
    const orderId = bench.checkout.add(person.userId, 'ReadyForPayment');
    const early = await file(app, person, claimOf(orderId), key);
    assert.deepEqual([early.status, early.body.code], [409, 'conflict']);
    assert.match(early.body.detail!, /ReadyForPayment/);
    bench.checkout.setState(orderId, 'Completed');
    assert.equal((await file(app, person, claimOf(orderId), key)).status, 201);
  });

  it('needs a key of 1 to 200 visible ASCII characters', async () => {
    const body = claimOf(bench.checkout.add(person.userId));
    for (const key of [null, '']) {
      const { status, body: answer } = await file(app, person, body, key);
      assert.deepEqual([status, answer.code], [400, 'missing-idempotency-key']);
    }
    for (const key of ['with space', 'x'.repeat(201), 'é']) {
      const { status, body: answer } = await file(app, person, body, key);
      assert.deepEqual([status, answer.code], [422, 'invalid-input'], key);
    }
    assert.equal((await file(app, person, body, `!${'~'.repeat(199)}`)).status, 201);
  });

  it('refuses what is no claim, and whoever is not signed in', async () => {
    const good = claimOf(bench.checkout.add(person.userId));
    for (const [field, bad] of [
      ['orderId', { ...good, orderId: 'mine' }],
      ['reason', { ...good, reason: 'bored' }],
      ['details', { ...good, details: '' }],
      ['details', { ...good, details: 'x'.repeat(2_001) }],
      ['details', { ...good, details: 'a\u0000b' }],
      ['amount', { ...good, amount: 1 }],
    ] as const) {
      const { status, body } = await file(app, person, bad);
      assert.deepEqual([status, body.code, body.field], [422, 'invalid-input', field]);
    }
    assert.equal((await file(app, null, good)).status, 401);
  });

  it('complains about nothing that callers did', () => {
    const complaints = apps
      .flatMap((replica) => replica.complaints)
      .filter(({ message }) => !message.startsWith('unavailable'));
    assert.deepEqual(complaints, []);
  });
});
