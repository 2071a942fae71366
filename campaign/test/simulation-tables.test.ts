/**
 * The tables that simulated worlds run on against the real ones: the same calls, at random, to the libraries' statements
 * in PostgreSQL and to the memory, have the same answers. Each call is a transaction of its own, in which PostgreSQL's
 * `now()` stands still; that leases and deadlines end is done by hand on both sides.
 */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { idempotencyMigrations, postgresKeys, type Answer, type IdempotencyStore } from '@ballast/idempotency';
import type { Message } from '@ballast/messaging';
import { outboxMigrations, postgresOutbox, rememberMessages } from '@ballast/outbox';
import type { Database, Transaction } from '@ballast/postgres';
import { postgresSagas, sagaMigrations, type Move, type WithStart } from '@ballast/saga';
import { testDatabase, type TestDatabase } from '@ballast/testing';
import { Chance } from '../src/simulation/chance.ts';
import { Work, type OwnTransaction, type Statement } from '../src/simulation/database.ts';
import { placeOrder, type OrderContext } from '../src/simulation/domains.ts';
import { KeyTable } from '../src/simulation/key-table.ts';
import { OutboxTables } from '../src/simulation/outbox-table.ts';
import { SagaTables } from '../src/simulation/saga-table.ts';

const rounds = 150;
const hourMs = 3_600_000;

/** The memory, one call after the other. */
class Alone implements OwnTransaction {
  now = hourMs;
  run<Result>(statement: Statement<Result>): Promise<Result> {
    const work = new Work(this.now);
    const step = statement(work).next();
    if (step.done !== true) throw new Error('nobody is there to be waited for');
    work.commit(this.now);
    return Promise.resolve(step.value);
  }
  afterCommit(): void {}
}

const message = (id: string, aggregateId: string): Message => ({
  id,
  type: 'ReleaseStock',
  version: 1,
  occurredAt: '2026-11-21T00:00:00.000Z',
  correlationId: aggregateId,
  causationId: null,
  body: { orderId: aggregateId },
});

describe('the tables of simulated worlds', () => {
  let test: TestDatabase;
  before(async () => {
    test = await testDatabase({
      schema: 'simulation_test',
      sets: [outboxMigrations, sagaMigrations, idempotencyMigrations],
    });
    await test.database.query('CREATE TABLE accepted_orders (key text PRIMARY KEY, id uuid NOT NULL)');
  });
  beforeEach(() =>
    test.database.query(
      'TRUNCATE outbox, inbox, sagas, saga_transitions, idempotency_keys, accepted_orders RESTART IDENTITY',
    ),
  );
  after(() => test.drop());

  /** Runs one call in a transaction, and whatever has to be put right while its `now()` is still the same. */
  const inOne = <Result>(
    call: (database: Database, transaction: Transaction) => Promise<Result>,
    putRight: string,
  ): Promise<Result> =>
    test.database.transaction(async (transaction) => {
      const database: Database = {
        ...test.database,
        query: (statement, values) => transaction.query(statement, values),
      };
      const result = await call(database, transaction);
      await transaction.query(putRight);
      return result;
    });

  it('lease, settle, give back and take outbox rows as PostgreSQL does', async () => {
    const chance = new Chance(1);
    const tables = new OutboxTables();
    const memory = new Alone();
    const mine = tables.store(memory);
    const held = `UPDATE outbox SET leased_until = 'infinity' WHERE leased_until > now()`;
    const aggregates = Array.from({ length: 4 }, () => randomUUIDv7());
    let last = 0;
    const someIds = (): string[] => {
      const ids = Array.from({ length: 1 + chance.below(3) }, () => String(Math.max(1, last - chance.below(6))));
      return [...new Set(ids)].toSorted((a, b) => Number(a) - Number(b));
    };
    const sorted = <Row extends { id: string }>(rows: readonly Row[]): Row[] =>
      rows.toSorted((a, b) => Number(a.id) - Number(b.id));
    const seen = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      const call = chance.pick(['append', 'append', 'settle', 'settle', 'giveBack', 'take', 'take', 'later']);
      switch (call) {
        case 'append': {
          const messages = Array.from({ length: 1 + chance.below(2) }, () =>
            message(randomUUIDv7(), chance.pick(aggregates)),
          );
          last += messages.length;
          const theirs = await inOne((database, own) => postgresOutbox(database).append(own, messages), held);
          assert.deepEqual(sorted(await mine.append(memory, messages)), sorted(theirs));
          for (const row of theirs) seen.add(`leased ${row.leased}`);
          break;
        }
        case 'settle': {
          const ids = someIds();
          const theirs = await inOne((database) => postgresOutbox(database).settle(ids), held);
          assert.deepEqual(sorted(await mine.settle(ids)), sorted(theirs));
          if (theirs.length > 0) seen.add('followers');
          break;
        }
        case 'giveBack': {
          const ids = someIds();
          await inOne((database) => postgresOutbox(database).giveBack(ids), held);
          await mine.giveBack(ids);
          break;
        }
        case 'take': {
          const limit = 1 + chance.below(3);
          const theirs = await inOne((database) => postgresOutbox(database).takeAbandoned(limit), held);
          assert.deepEqual(sorted(await mine.takeAbandoned(limit)), sorted(theirs));
          if (theirs.length > 0) seen.add('taken');
          break;
        }
        case 'later':
          await test.database.query(`UPDATE outbox SET leased_until = '-infinity'`);
          memory.now += hourMs;
      }
    }
    assert.equal((await mine.backlog()).rows, (await postgresOutbox(test.database).backlog()).rows);
    assert.deepEqual([...seen].toSorted(), ['followers', 'leased false', 'leased true', 'taken'], 'all was tried');
  });

  it('remember messages as PostgreSQL does', async () => {
    const chance = new Chance(2);
    const tables = new OutboxTables();
    const memory = new Alone();
    const ids = Array.from({ length: 12 }, () => randomUUIDv7());
    for (let round = 0; round < 20; round += 1) {
      const consumer = chance.pick(['a', 'b']);
      const some = ids.filter(() => chance.hit(0.3));
      const theirs = await inOne((_, own) => rememberMessages(own, consumer, some), 'SELECT 1');
      assert.deepEqual(await memory.run(tables.remember(consumer, some)), theirs);
    }
  });

  it('start, load, move and find overdue sagas as PostgreSQL does', async () => {
    const chance = new Chance(3);
    const memory = new Alone();
    const outbox = new OutboxTables();
    const accepted = new Set<string>();
    // oxlint-disable-next-line require-yield -- alone, nobody is waited for
    const tables = new SagaTables<OrderContext>(placeOrder, outbox, function* (_, request) {
      const { key } = request as { key: string };
      if (accepted.has(key)) return false;
      accepted.add(key);
      return true;
    });
    const mine = tables.store(memory);
    const own: WithStart<{ id: string; key: string }> = {
      name: 'simulation-test-start',
      accept: `accepted AS (
        INSERT INTO accepted_orders (id, key) SELECT * FROM unnest($2::uuid[], $9::text[])
        ON CONFLICT DO NOTHING RETURNING id)`,
      parameters: (requests) => [requests.map((request) => request.key)],
    };
    const context: OrderContext = {
      lines: [{ productId: randomUUIDv7(), quantity: 1 }],
      total: { amount: 100, currency: 'EUR' },
      payment: { provider: 'stripe', method: 'pm_card_visa' },
      reason: null,
    };
    const deadline = 7_200;
    const held = `UPDATE outbox SET leased_until = 'infinity' WHERE leased_until > now()`;
    const ids: string[] = [];
    const versions = new Map<string, number>();
    const sorted = (
      { sent, ...rest }: { sent: readonly { id: string; leased: boolean }[] },
      names: readonly string[],
    ) => ({
      ...rest,
      names: names.toSorted(),
      sent: sent.toSorted((a, b) => Number(a.id) - Number(b.id)),
    });
    const seen = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      switch (chance.pick(['start', 'move', 'move', 'move', 'load', 'overdue', 'later'])) {
        case 'start': {
          const id = randomUUIDv7();
          const key = `key-${chance.below(30)}`;
          const starts = [{ id, context, messages: [message(randomUUIDv7(), id)] }];
          const theirs = await inOne(
            (database) =>
              postgresSagas<OrderContext>(database, placeOrder).starter(own, deadline)(starts, [{ id, key }]),
            held,
          );
          const ours = await mine.starter(own, deadline)(starts, [{ id, key }]);
          assert.deepEqual(sorted(ours, ours.begun), sorted(theirs, theirs.begun));
          seen.add(theirs.begun.length > 0 ? 'begun' : 'not begun');
          if (theirs.begun.length === 0) break;
          ids.push(id);
          versions.set(id, 1);
          break;
        }
        case 'move': {
          const chosen = [...new Set(Array.from({ length: 1 + chance.below(3) }, () => chance.pick(ids)))].filter(
            Boolean,
          );
          const moves = chosen.toSorted().map((id): Move<OrderContext> => {
            const version = versions.get(id)!;
            const expected = chance.hit(0.7) ? version : version + chance.pick([-1, 1]);
            const messageId = randomUUIDv7();
            const to = chance.pick(['StockReserved', 'Compensating']);
            return {
              expected,
              instance: {
                id,
                state: to,
                version: expected + 1,
                context: { ...context, reason: 'so' },
                owed: chance.pick([[], ['stock']]),
                early: chance.pick([[], [{ event: 'PaymentCaptured', body: { orderId: id } }]]),
              },
              contextChanged: chance.hit(0.3),
              deadline: chance.pick([null, deadline]),
              log: [{ seq: expected + 1, from: 'Initiated', event: 'StockReserved', to, messageId, decision: null }],
              messages: Array.from({ length: chance.below(3) }, () => message(randomUUIDv7(), id)),
            };
          });
          if (moves.length === 0) break;
          const theirs = await inOne((database) => postgresSagas<OrderContext>(database, placeOrder).move(moves), held);
          const ours = await mine.move(moves);
          assert.deepEqual(sorted(ours, ours.moved), sorted(theirs, theirs.moved));
          seen.add(theirs.moved.length < moves.length ? 'conflict' : 'moved');
          for (const id of theirs.moved) versions.set(id, versions.get(id)! + 1);
          break;
        }
        case 'load': {
          const some = [...ids.filter(() => chance.hit(0.2)), randomUUIDv7()];
          const byId = (a: { instance: { id: string } }, b: { instance: { id: string } }): number =>
            a.instance.id < b.instance.id ? -1 : 1;
          const theirs = await postgresSagas<OrderContext>(test.database, placeOrder).load(some);
          assert.deepEqual((await mine.load(some)).toSorted(byId), theirs.toSorted(byId));
          break;
        }
        case 'overdue': {
          const theirs = await postgresSagas<OrderContext>(test.database, placeOrder).overdue(1_000);
          const ours = await mine.overdue(1_000);
          const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
          assert.deepEqual(ours.toSorted(byId), theirs.toSorted(byId));
          seen.add(theirs.length > 0 ? 'overdue' : 'in time');
          break;
        }
        case 'later':
          await test.database.query(`UPDATE sagas SET deadline_at = deadline_at - interval '1 hour'`);
          memory.now += hourMs;
      }
    }
    assert.deepEqual(
      [...seen].toSorted(),
      ['begun', 'conflict', 'in time', 'moved', 'not begun', 'overdue'],
      'all was tried',
    );
    // Both keep a log whose numbers are unique.
    const [id] = ids as [string];
    const [again] = (await mine.load([id])) as [Awaited<ReturnType<typeof mine.load>>[number]];
    const twice: Move<OrderContext> = {
      expected: again.instance.version,
      instance: { ...again.instance, version: again.instance.version + 1 },
      contextChanged: false,
      deadline: null,
      log: [{ seq: 1, from: null, event: 'OrderPlaced', to: 'Initiated', messageId: null, decision: null }],
      messages: [],
    };
    await assert.rejects(postgresSagas<OrderContext>(test.database, placeOrder).move([twice]), /saga_transitions_pkey/);
    assert.throws(() => mine.move([twice]), /saga_transitions_pkey/);
  });

  it('claim keys and store answers as PostgreSQL does', async () => {
    const chance = new Chance(4);
    const memory = new Alone();
    const mine = new KeyTable().store(memory);
    const limits = { leaseMs: 2 * hourMs, keepMs: 24 * hourMs };
    const answer: Answer = { status: 202, headers: { location: '/orders/1' }, body: Buffer.from('{}') };
    const holders: { key: string; holder: string }[] = [];
    const seen = new Set<string>();
    const claimed = async (store: Pick<IdempotencyStore, 'claim'>, claims: Parameters<IdempotencyStore['claim']>[0]) =>
      // How long a key is still held differs by the moments between the two.
      (await store.claim(claims, limits)).map(({ held_for, ...row }) => ({
        ...row,
        held: held_for !== null && held_for > 0,
      }));
    for (let round = 0; round < rounds; round += 1) {
      const key = `key-${chance.below(6)}`;
      const target = { principal: 'ada', route: 'POST /orders', key };
      switch (chance.pick(['claim', 'claim', 'settle', 'settle', 'later'])) {
        case 'claim': {
          const claim = { ...target, fingerprint: Buffer.alloc(32, chance.below(2)), holder: randomUUIDv7() };
          holders.push({ key, holder: claim.holder });
          const theirs = await inOne((database) => claimed(postgresKeys(database), [claim]), 'SELECT 1');
          assert.deepEqual(await claimed(mine, [claim]), theirs);
          const [row] = theirs as [(typeof theirs)[number]];
          seen.add(row.claimed ? (row.known ? 'taken over' : 'first') : row.status === null ? 'held' : 'answered');
          break;
        }
        case 'settle': {
          const holder = holders.findLast((each) => each.key === key)?.holder ?? randomUUIDv7();
          const turn = { ...target, holder, forget: chance.hit(0.3), answer: chance.hit(0.6) ? answer : null };
          const theirs = await inOne((database) => postgresKeys(database).settle([turn]), 'SELECT 1');
          assert.deepEqual(await mine.settle([turn]), theirs);
          seen.add(theirs.size > 0 ? 'settled' : 'superseded');
          break;
        }
        case 'later':
          await test.database.query(`
            UPDATE idempotency_keys SET held_until = held_until - interval '3 hours', created_at = created_at - interval '3 hours'`);
          memory.now += 3 * hourMs;
      }
    }
    const all = ['answered', 'first', 'held', 'settled', 'superseded', 'taken over'];
    assert.deepEqual([...seen].toSorted(), all, 'all was tried');
  });
});
