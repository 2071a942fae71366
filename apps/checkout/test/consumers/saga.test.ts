/** The saga on real parts: deadlines that pass, messages that come again, two replicas on the same tables. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { seededRandom, shuffled, until, type RunningApp } from '@ballast/testing';
import { openBench, placed, type Bench, type Person } from '../support.ts';

describe('an order that waits in vain', () => {
  let bench: Bench;
  let apps: RunningApp[];
  let person: Person;
  before(async () => {
    bench = await openBench();
    apps = await Promise.all([bench.start(), bench.start()]);
    person = bench.person();
  });
  after(() => bench.close());

  const transitions = async (orderId: string): Promise<string[]> => {
    const rows = await bench.test.database.query<{ event: string; to_state: string }>(
      'SELECT event, to_state FROM saga_transitions WHERE saga_id = $1 ORDER BY seq',
      [orderId],
    );
    return rows.map((row) => `${row.event} ${row.to_state}`);
  };
  /** Brings an order to a state by the events of the good path. */
  const upTo = async (...events: ('StockReserved' | 'PaymentAuthorized' | 'PaymentCaptured')[]): Promise<string> => {
    const orderId = await placed(apps[0]!, person);
    for (const event of events) {
      await bench.say(orderId, event);
      await until(event, async () => (await transitions(orderId)).some((line) => line.startsWith(event)));
    }
    return orderId;
  };

  it('for its stock gives it up, and is compensated when catalog has put it back', async () => {
    const orderId = await upTo();
    await bench.deadline(orderId);
    await bench.heard(orderId, 'ReleaseStock');
    assert.equal(await bench.state(orderId), 'Compensating');
    await bench.say(orderId, 'StockReleased');
    await bench.reached(orderId, 'Compensated');
    assert.deepEqual(bench.commands(orderId), ['ReserveStock', 'ReleaseStock']);
    assert.deepEqual(await transitions(orderId), [
      'OrderPlaced Initiated',
      'StockDeadlinePassed Compensating',
      'StockReleased Compensated',
    ]);
    // What comes after all is sent back.
    await bench.say(orderId, 'StockReserved');
    await bench.heard(orderId, 'ReleaseStock', 2);
    assert.equal(await bench.state(orderId), 'Compensated');
  });

  for (const [what, events] of [
    ['for the authorisation', ['StockReserved']],
    ['for the capture', ['StockReserved', 'PaymentAuthorized']],
  ] as const) {
    it(`${what} gives up both, and is compensated when both are undone, in any order`, async () => {
      for (const answers of [
        ['StockReleased', 'PaymentCancelled'] as const,
        ['PaymentCancelled', 'StockReleased'] as const,
      ]) {
        const orderId = await upTo(...events);
        await bench.deadline(orderId);
        await bench.heard(orderId, 'ReleaseStock');
        await bench.heard(orderId, 'CancelPayment');
        await bench.say(orderId, answers[0]);
        await until('the first answer', async () => (await transitions(orderId)).at(-1)!.startsWith(answers[0]));
        assert.equal(await bench.state(orderId), 'Compensating');
        await bench.say(orderId, answers[1]);
        await bench.reached(orderId, 'Compensated');
      }
    });
  }

  it('for its stock to be handed over asks again as often as it takes: there is money', async () => {
    const orderId = await upTo('StockReserved', 'PaymentAuthorized', 'PaymentCaptured');
    for (let times = 1; times <= 3; times += 1) {
      await bench.heard(orderId, 'CommitStock', times);
      assert.equal(await bench.state(orderId), 'PaymentCaptured');
      await bench.deadline(orderId);
    }
    await bench.heard(orderId, 'CommitStock', 4);
    await bench.say(orderId, 'StockCommitted');
    await bench.reached(orderId, 'Completed');
    assert.equal((await transitions(orderId)).filter((line) => line === 'CommitOverdue PaymentCaptured').length, 3);
  });

  it('for a compensation asks again for what is still owed, and for nothing else', async () => {
    const orderId = await upTo('StockReserved');
    await bench.deadline(orderId);
    await bench.heard(orderId, 'CancelPayment');
    await bench.say(orderId, 'StockReleased');
    await until('the stock to be settled', async () =>
      (await transitions(orderId)).at(-1)!.startsWith('StockReleased'),
    );
    await bench.deadline(orderId);
    await bench.heard(orderId, 'CancelPayment', 2);
    assert.equal(bench.commands(orderId).filter((type) => type === 'ReleaseStock').length, 1);
    await bench.say(orderId, 'PaymentCancelRefused');
    await bench.reached(orderId, 'RequiresReview');
  });

  it('makes one transition of a deadline although both replicas see it', async () => {
    const orders = await Promise.all(Array.from({ length: 20 }, () => placed(apps[0]!, person)));
    await bench.test.database.query('UPDATE sagas SET deadline_at = now() WHERE id = ANY($1::uuid[])', [orders]);
    for (const orderId of orders) await bench.heard(orderId, 'ReleaseStock');
    for (const orderId of orders) {
      assert.deepEqual(await transitions(orderId), ['OrderPlaced Initiated', 'StockDeadlinePassed Compensating']);
      assert.deepEqual(bench.commands(orderId), ['ReserveStock', 'ReleaseStock']);
    }
  });

  it('ends the same when every event comes three times, shuffled', async () => {
    const random = seededRandom(5);
    const orders = await Promise.all(Array.from({ length: 15 }, (_, index) => placed(apps[index % 2]!, person)));
    const path = ['StockReserved', 'PaymentAuthorized', 'PaymentCaptured'] as const;
    const said = orders.flatMap((orderId) => path.map((event) => [orderId, event] as const));
    await Promise.all(
      shuffled([...said, ...said, ...said], random).map(([orderId, event]) => bench.say(orderId, event)),
    );
    for (const orderId of orders) {
      await bench.heard(orderId, 'CommitStock');
      await bench.say(orderId, 'StockCommitted');
    }
    for (const orderId of orders) {
      await bench.reached(orderId, 'Completed');
      const seqs = await bench.test.database.query<{ seq: number }>(
        'SELECT seq FROM saga_transitions WHERE saga_id = $1 ORDER BY seq',
        [orderId],
      );
      assert.deepEqual(
        seqs.map(({ seq }) => seq),
        seqs.map((_, index) => index + 1),
      );
      assert.equal(bench.commands(orderId).filter((type) => type === 'CommitStock').length, 1);
    }
  });

  it('goes on with one replica when the other stops in the middle', async () => {
    const orders = await Promise.all(Array.from({ length: 10 }, () => placed(apps[1]!, person)));
    await Promise.all([apps[1]!.stop(), ...orders.map((orderId) => bench.complete(orderId))]);
    for (const orderId of orders) assert.equal(await bench.state(orderId), 'Completed');
  });
});
