/** Who may drive a payment, and what its tables refuse whatever the code says. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createOutbox, outboxMigrations } from '@ballast/outbox';
import type { Message } from '@ballast/messaging';
import type { DatabaseError } from '@ballast/postgres';
import { genericPlan, testDatabase, type TestDatabase } from '@ballast/testing';
import type { PaymentCommand } from '../../src/domain/payment.ts';
import { createPaymentStore, type PaymentStore } from '../../src/store/payments.ts';
import * as sql from '../../src/store/sql.ts';
import { amount, authorize, cancel, capture, currency, newOrder } from '../support.ts';

const migrations = { name: 'payments', directory: fileURLToPath(new URL('../../migrations', import.meta.url)) };

describe('a payment in its table', () => {
  let test: TestDatabase;
  let store: PaymentStore;
  before(async () => {
    test = await testDatabase({ schema: 'payments', sets: [outboxMigrations, migrations] });
    store = createPaymentStore(test.database, createOutbox({ database: test.database, publish: async () => {} }));
  });
  after(() => test.drop());

  const command = (message: Message) => store.command(message as Message & PaymentCommand);
  const held = (orderId: string) => ({ kind: 'authorized', reference: `pi_${orderId}`, amount, currency }) as const;

  it('is found by index, also by connections that planned while the table was empty', async () => {
    for (const [statement, types] of [
      [sql.lock, 'uuid[]'],
      [sql.write, 'jsonb'],
      [sql.find, 'uuid'],
    ] as const) {
      const plan = await genericPlan(test.database, statement.text, types);
      assert.match(plan, /payments_pkey/, statement.name);
      assert.doesNotMatch(plan, /Seq Scan on payments/, statement.name);
    }
  });

  it('has one driver at a time: what comes meanwhile is left to whoever has it', async () => {
    const orderId = newOrder();
    assert.equal((await command(authorize(orderId))).leased, true);
    assert.equal((await command(capture(orderId))).leased, false);
    assert.deepEqual(await store.takeAbandoned(10), []);
    const byWebhook = { kind: 'webhook', provider: 'stripe', eventId: `evt_${orderId}`, type: 'held' } as const;
    assert.equal((await store.fact(orderId, held(orderId), byWebhook, false)).leased, false);
    // The holder's own answer comes last, and finds that there is more to do.
    const { payment, leased } = await store.fact(orderId, held(orderId), { kind: 'reply' }, true);
    assert.deepEqual([payment.state, payment.wanted, leased], ['authorized', 'captured', true]);
  });

  it('is free again once it is settled, given back, or its lease is over', async () => {
    const orderId = newOrder();
    await command(authorize(orderId));
    assert.equal((await store.fact(orderId, held(orderId), { kind: 'reply' }, true)).leased, false);
    assert.equal((await command(cancel(orderId))).leased, true);
    await store.postpone(orderId, 0);
    assert.deepEqual(
      (await store.takeAbandoned(10)).map((payment) => payment.orderId),
      [orderId],
    );
    assert.deepEqual(await store.takeAbandoned(10), []);
    await test.database.query(`UPDATE payments SET leased_until = now() - interval '1 ms' WHERE order_id = $1`, [
      orderId,
    ]);
    assert.equal((await store.takeAbandoned(10)).length, 1);
  });

  it('cannot hold what makes no sense', async () => {
    const orderId = newOrder();
    await command(authorize(orderId));
    for (const change of [`state = 'lost'`, `wanted = 'more'`, 'amount = -1']) {
      await assert.rejects(
        test.database.query(`UPDATE payments SET ${change} WHERE order_id = $1`, [orderId]),
        (error: DatabaseError) => error.sqlstate === '23514',
        change,
      );
    }
    const enter = (kind: string, sum: number, source = 'reply') =>
      test.database.query('INSERT INTO ledger (order_id, kind, amount, currency, source) VALUES ($1, $2, $3, $4, $5)', [
        orderId,
        kind,
        sum,
        currency,
        source,
      ]);
    await enter('captured', amount);
    await assert.rejects(enter('captured', amount), (error: DatabaseError) => error.sqlstate === '23505');
    for (const [kind, sum, source] of [
      ['lost', amount, 'reply'],
      ['refunded', -1, 'reply'],
      ['refunded', amount, 'hearsay'],
    ] as const) {
      await assert.rejects(enter(kind, sum, source), (error: DatabaseError) => error.sqlstate === '23514');
    }
  });
});
