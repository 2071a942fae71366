/**
 * Every fail point on an order's way, in each service, killed with SIGKILL exactly there. Whatever dies, the order
 * ends, and stock, our ledger and the provider's ledger come out right.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { PaymentChoice } from '@ballast/contracts';
import { demoAccounts } from '@ballast/lab';
import { until } from '@ballast/testing';
import { endsByMethod, testMesh, type TestMesh } from './support.ts';

const accepted: PaymentChoice = { provider: 'stripe', method: 'pm_card_visa' };
const paypal: PaymentChoice = { provider: 'paypal', method: 'paypal_approve' };
const declined: PaymentChoice = { provider: 'stripe', method: 'pm_card_chargeDeclined' };
const captureRefused: PaymentChoice = { provider: 'stripe', method: 'pm_standin_capture_declined' };

/** `where` is what dies, `point` where in it; points with a dot are met only by that message, event or call. */
const cases: { where: 'checkout' | 'catalog' | 'payments'; point: string; why: string }[] = [
  { where: 'checkout', point: 'before-commit.order-placed', why: 'before the order is committed' },
  {
    where: 'checkout',
    point: 'after-commit.order-placed',
    why: 'after the order is committed, before it is answered or told',
  },
  { where: 'checkout', point: 'after-publish.reserve-stock', why: 'after a command is told, before that is noted' },
  { where: 'checkout', point: 'before-commit.stock-reserved', why: 'before a transition is committed' },
  {
    where: 'checkout',
    point: 'after-commit.payment-authorized',
    why: 'after a transition is committed, before its command is told',
  },
  {
    where: 'checkout',
    point: 'before-ack.payment-captured',
    why: 'after a transition, before its event is acknowledged',
  },
  {
    where: 'checkout',
    point: 'after-publish.commit-stock',
    why: 'after the last command is told, before that is noted',
  },
  {
    where: 'checkout',
    point: 'before-ack.stock-committed',
    why: 'after the end, before the last event is acknowledged',
  },
  { where: 'checkout', point: 'compensating', why: 'in the middle of a compensation' },
  {
    where: 'checkout',
    point: 'after-publish.release-stock',
    why: 'after a compensation is asked for, before that is noted',
  },
  { where: 'catalog', point: 'before-commit', why: 'before stock is set aside' },
  { where: 'catalog', point: 'after-commit', why: 'after stock is set aside, before that is told' },
  { where: 'catalog', point: 'after-publish.stock-reserved', why: 'after that is told, before it is noted' },
  {
    where: 'catalog',
    point: 'before-ack.reserve-stock',
    why: 'after stock is set aside, before the command is acknowledged',
  },
  {
    where: 'catalog',
    point: 'before-ack.release-stock',
    why: 'after stock is put back, before the command is acknowledged',
  },
  { where: 'catalog', point: 'after-publish.stock-committed', why: 'after the sale is told, before that is noted' },
  { where: 'payments', point: 'before-commit', why: 'before a command is recorded' },
  { where: 'payments', point: 'after-commit', why: 'after a command is recorded, before the provider is called' },
  {
    where: 'payments',
    point: 'after-provider-call.authorize',
    why: 'after the provider holds the money, before that is recorded',
  },
  {
    where: 'payments',
    point: 'after-provider-call.capture',
    why: 'after the provider took the money, before that is recorded',
  },
  {
    where: 'payments',
    point: 'after-provider-call.void',
    why: 'after the provider let go of the money, before that is recorded',
  },
  {
    where: 'payments',
    point: 'before-ack.capture-payment',
    why: 'after a command is recorded, before it is acknowledged',
  },
  {
    where: 'payments',
    point: 'before-ack.cancel-payment',
    why: 'after a cancellation is recorded, before it is acknowledged',
  },
  {
    where: 'payments',
    point: 'after-publish.payment-captured',
    why: 'after the capture is told, before that is noted',
  },
];

/** Service by service in turns: the supervision makes those wait longer that have died a moment ago. */
const inTurns = (() => {
  const services = [...Map.groupBy(cases, ({ where }) => where).values()];
  return cases.flatMap((_, turn) => services.flatMap((list) => list[turn] ?? []));
})();

describe('an order survives the death of', () => {
  let test: TestMesh;
  /** An operator's. */
  let token: string;
  const json = { 'content-type': 'application/json' };
  before(async () => {
    test = await testMesh('light');
    const body = JSON.stringify(demoAccounts[1]);
    const login = await fetch(`${test.mesh.urls['identity']!}/login`, { method: 'POST', headers: json, body });
    token = ((await login.json()) as { accessToken: string }).accessToken;
  });

  const setFault = async (method: 'PUT' | 'DELETE', names: readonly string[], point: string): Promise<void> => {
    await Promise.all(
      names.map((name) =>
        // The other replica may be dying of it in this very moment: then it is asked once it is back.
        until(`${method} ${point} at ${name}`, async () => {
          const answer = await fetch(`${test.mesh.urls[name]!}/lab/faults/${point}`, {
            method,
            headers: { authorization: `Bearer ${token}`, ...(method === 'PUT' ? json : {}) },
            ...(method === 'PUT' ? { body: JSON.stringify({ action: 'crash', seconds: 120 }) } : {}),
          });
          return answer.status === 200;
        }),
      ),
    );
  };
  const arm = (names: readonly string[], point: string): Promise<void> => setFault('PUT', names, point);
  const disarm = (names: readonly string[], point: string): Promise<void> => setFault('DELETE', names, point);

  const place = async (payments: readonly PaymentChoice[]) => {
    const products = (await test.shopper.products()).filter((product) => product.onHand > 100);
    return Promise.all(
      payments.map((payment, index) =>
        test.shopper.order(
          [
            { productId: products[index % 5]!.productId, quantity: 1 },
            { productId: products[5]!.productId, quantity: 2 },
          ],
          payment,
          60_000,
        ),
      ),
    );
  };

  for (const { where, point, why } of inTurns) {
    it(`${where} ${why} (${point})`, async () => {
      const replicas = test.mesh.services.filter((name) => name === where || name.startsWith(`${where}-`));
      // All replicas are armed: whichever meets the point first dies, and the other one after it.
      await arm(replicas, point);
      const before = deaths(test, replicas);
      const placed = await place([accepted, declined, paypal, captureRefused, accepted, declined]);
      await until(`a death at ${point}`, () => deaths(test, replicas) > before);
      await test.mesh.waitUntilReady();
      // Who has died has forgotten it; who has not met it must not die in the next case.
      await disarm(replicas, point);
      const ends = endsByMethod(placed, await test.settle(placed));
      assert.deepEqual(new Set(ends['pm_card_visa']), new Set(['Completed']));
      assert.deepEqual(new Set(ends['paypal_approve']), new Set(['Completed']));
      assert.deepEqual(new Set(ends['pm_card_chargeDeclined']), new Set(['Compensated']));
      assert.deepEqual(new Set(ends['pm_standin_capture_declined']), new Set(['Compensated']));
    });
  }

  it('payments after the provider gave the money back, before that is recorded (after-provider-call.refund)', async () => {
    // The reservation runs out between payment and sale: the money has been taken and must go back.
    await arm(['payments'], 'after-provider-call.refund');
    await test.mesh.pause('payments');
    const placed = await place([accepted]);
    const orderId = placed[0]!.orderId;
    await until('the stock to be set aside', async () => (await test.shopper.find(orderId)).state === 'StockReserved');
    await Promise.all(['catalog-1', 'catalog-2'].map((name) => test.mesh.stopService(name)));
    await test.mesh.resume('payments');
    await until('the payment', async () => (await test.shopper.find(orderId)).state === 'PaymentCaptured');
    await test.rows(
      `WITH gone AS (UPDATE catalog.reservations SET state = 'released', expires_at = NULL WHERE order_id = $1 RETURNING order_id)
       UPDATE catalog.products p SET on_hand = on_hand + l.quantity, reserved = reserved - l.quantity
         FROM catalog.reservation_lines l JOIN gone USING (order_id) WHERE l.product_id = p.product_id`,
      [orderId],
    );
    const before = deaths(test, ['payments']);
    await Promise.all(['catalog-1', 'catalog-2'].map((name) => test.mesh.startService(name)));
    await until('the death', () => deaths(test, ['payments']) > before);
    const states = await test.settle(placed);
    assert.equal(states.get(orderId), 'Compensated');
    const kinds = await test.rows<{ kind: string }>('SELECT kind FROM payments.ledger WHERE order_id = $1', [orderId]);
    assert.deepEqual(kinds.map((row) => row.kind).toSorted(), ['authorized', 'captured', 'refunded']);
  });
});

/** How often these components have died by themselves. */
function deaths(test: TestMesh, names: readonly string[]): number {
  return test.events.filter(
    (event) => event.type === 'exit' && names.includes(event.component) && event.signal === 'SIGKILL',
  ).length;
}
