/**
 * An order that only a person can end, in a whole mesh: payments stands still between the provider's answer and writing
 * it down, the order is given up meanwhile, and the provider refuses to give the money back. An operator decides.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Order, PaymentChoice } from '@ballast/contracts';
import { demoAccounts } from '@ballast/lab';
import { until } from '@ballast/testing';
import { testMesh, type TestMesh } from './support.ts';

const json = { 'content-type': 'application/json' };
/** Longer than a saga waits for its payment, in ms. */
const standsStill = 55_000;
/** Until it is given up, payments works again, and the provider has answered. */
const longest = 150_000;

describe('an order in review', () => {
  let test: TestMesh;
  let token: string;
  before(async () => {
    test = await testMesh('light');
    const body = JSON.stringify(demoAccounts[1]);
    const login = await fetch(`${test.mesh.urls['identity']!}/login`, { method: 'POST', headers: json, body });
    token = ((await login.json()) as { accessToken: string }).accessToken;
  });

  const ask = async (method: string, url: string, body?: object): Promise<Response> =>
    fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : json) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const bff = (path: string): string => `${test.mesh.urls['bff']!}/api${path}`;
  const inReview = async (): Promise<string[]> => {
    const answer = await ask('GET', bff('/orders?state=RequiresReview'));
    assert.equal(answer.status, 200);
    return ((await answer.json()) as { items: Order[] }).items.map(({ orderId }) => orderId);
  };
  const decide = (orderId: string, decision: string): Promise<Response> =>
    ask('POST', bff(`/orders/${orderId}/resolution`), { decision, note: 'seen by the test' });
  const stateOf = async (orderId: string): Promise<string | undefined> => {
    const [row] = await test.rows<{ state: string }>('SELECT state FROM checkout.sagas WHERE id = $1', [orderId]);
    return row?.state;
  };

  it('is shown to operators, waits for them, and ends once they have decided, whatever they decide', async () => {
    const [product] = (await test.shopper.products()).filter(({ onHand }) => onHand > 100);
    const place = (method: string) => {
      const payment: PaymentChoice = { provider: 'stripe', method };
      return test.shopper.order([{ productId: product!.productId, quantity: 1 }], payment, 60_000);
    };
    const point = `${test.mesh.urls['payments']!}/lab/faults/after-provider-call.capture`;
    const freeze = { action: 'freeze', milliseconds: standsStill, times: 1, seconds: 60 };
    assert.equal((await ask('PUT', point, freeze)).status, 200);
    const placed = await Promise.all([place('pm_standin_refund_fails_once'), place('pm_standin_refund_fails')]);
    const [once, never] = placed.map(({ orderId }) => orderId) as [string, string];
    await until('at least one to be in review', async () => (await inReview()).length > 0, longest);
    await until(
      'both to have ended or to be in review',
      async () => {
        const states = await Promise.all([stateOf(once), stateOf(never)]);
        return states.every((state) => ['RequiresReview', 'Completed', 'Compensated'].includes(state ?? ''));
      },
      longest,
    );
    // Nothing but a decision leads out of it, and nobody but an operator makes one.
    const waiting = await inReview();
    assert.ok(waiting.length > 0);
    for (const orderId of waiting) {
      const asCustomer = await test.shopper.end(orderId, 1_000);
      assert.equal(asCustomer, 'RequiresReview');
      assert.equal((await decide(orderId, 'forget-it')).status, 422);
      const first = await decide(orderId, orderId === never ? 'settled-by-hand' : 'retry-refund');
      assert.equal(first.status, 200, await first.clone().text());
      await until(`${orderId} to end`, async () => (await stateOf(orderId)) === 'Compensated', longest);
      assert.equal((await decide(orderId, 'settled-by-hand')).status, 409);
      const [decided] = await test.rows<{ decision: { note: string } }>(
        'SELECT decision FROM checkout.saga_transitions WHERE saga_id = $1 AND decision IS NOT NULL',
        [orderId],
      );
      assert.equal(decided?.decision.note, 'seen by the test');
    }
    assert.deepEqual(await inReview(), []);
    await test.settle(placed);
  });
});
