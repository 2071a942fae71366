/** The parts fail in the middle of the work: broker and database die and come back, messages come three times in any order. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { commands, type PaymentChoice } from '@ballast/contracts';
import type { Placed } from '@ballast/campaign';
import { seededRandom, until } from '@ballast/testing';
import { connect } from 'amqplib';
import { endsByMethod, testMesh, type TestMesh } from './support.ts';

const payments: readonly PaymentChoice[] = [
  { provider: 'stripe', method: 'pm_card_visa' },
  { provider: 'paypal', method: 'paypal_approve' },
  { provider: 'stripe', method: 'pm_card_chargeDeclined' },
];

describe('the mesh', () => {
  let test: TestMesh;
  before(async () => {
    test = await testMesh('light');
  });

  /** Places orders, 20 at a time; `whenPlaced` is called with the number placed so far. */
  const order = async (count: number, whenPlaced: (placed: number) => void = () => {}): Promise<Placed[]> => {
    const products = (await test.shopper.products()).filter((product) => product.onHand > 500);
    const placed: Placed[] = [];
    let next = 0;
    const buyer = async (): Promise<void> => {
      while (next < count) {
        const index = next;
        next += 1;
        const lines = [0, 3].map((step) => ({
          productId: products[(index + step) % products.length]!.productId,
          quantity: 1,
        }));
        placed.push(await test.shopper.order(lines, payments[index % 3]!, 90_000));
        whenPlaced(placed.length);
      }
    };
    await Promise.all(Array.from({ length: 20 }, buyer));
    return placed;
  };

  const assertEnds = (placed: readonly Placed[], states: ReadonlyMap<string, string>): void => {
    const ends = endsByMethod(placed, states);
    assert.deepEqual(new Set(ends['pm_card_visa']), new Set(['Completed']));
    assert.deepEqual(new Set(ends['paypal_approve']), new Set(['Completed']));
    assert.deepEqual(new Set(ends['pm_card_chargeDeclined']), new Set(['Compensated']));
  };

  for (const part of ['rabbitmq', 'postgres', 'redis'] as const) {
    it(`ends all of 200 orders right when ${part} is killed among them and comes back`, async () => {
      let restarted: Promise<void> | undefined;
      const placed = await order(200, (count) => {
        if (count === 80) restarted = test.mesh.restartPart(part, { signal: 'SIGKILL' });
      });
      await restarted;
      await test.mesh.waitUntilReady();
      const states = await test.settle(placed);
      // An order that was already on its way may be given up by a deadline; what is promised is that it ends right.
      assert.equal(states.size, 200);
      assert.ok([...states.values()].every((state) => state === 'Completed' || state === 'Compensated'));
      assert.ok([...states.values()].includes('Completed'));
    });
  }

  it('comes to the same ends when every message is delivered three times, shuffled', async () => {
    const broker = await connect(test.mesh.partUrls.rabbitmq);
    const channel = await broker.createConfirmChannel();
    await channel.assertQueue('test.copies', { autoDelete: true });
    await channel.bindQueue('test.copies', 'ballast', '#');
    const random = seededRandom(11);
    const copies: { queue: string; content: Buffer; headers: object }[] = [];
    let repeated = 0;
    // Copies are collected and put back in random order, so that old messages come among much newer ones.
    const putBack = (keep: number): void => {
      while (copies.length > keep) {
        const [copy] = copies.splice(Math.floor(random() * copies.length), 1);
        channel.sendToQueue(copy!.queue, copy!.content, { persistent: true });
        repeated += 1;
      }
    };
    await channel.consume('test.copies', (delivery) => {
      if (delivery === null) return;
      const type = delivery.fields.routingKey;
      const owner = Object.hasOwn(commands, type) ? commands[type as keyof typeof commands].to : 'checkout';
      const queue = owner === 'checkout' ? 'ballast.checkout.saga' : `ballast.${owner}.commands`;
      // Past the exchange: copies are not copied again.
      for (let copy = 0; copy < 2; copy += 1) copies.push({ queue, content: delivery.content, headers: {} });
      channel.ack(delivery);
      putBack(60);
    });
    const placed = await order(150);
    assertEnds(placed, await test.settle(placed));
    putBack(0);
    await channel.waitForConfirms();
    await until('the queues to be empty', async () => {
      const counts = await Promise.all(
        ['checkout.saga', 'catalog.commands', 'payments.commands'].map((queue) =>
          channel.checkQueue(`ballast.${queue}`),
        ),
      );
      return counts.every((queue) => queue.messageCount === 0);
    });
    assert.ok(repeated > 150 * 8, `${repeated} copies were delivered`);
    assertEnds(placed, await test.settle(placed));
    for (const queue of ['checkout.saga', 'catalog.commands', 'payments.commands']) {
      assert.equal((await channel.checkQueue(`ballast.${queue}.dead`)).messageCount, 0, `dead letters of ${queue}`);
    }
    await broker.close();
  });
});
