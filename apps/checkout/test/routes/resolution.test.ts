/** What an operator decides about an order that machines could not settle. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Order, OrderPage, OrderResolution, Problem } from '@ballast/contracts';
import { until, type RunningApp } from '@ballast/testing';
import { openStream } from '../stream.ts';
import { call, openBench, placed, read, type Answer, type Bench, type Person } from '../support.ts';

describe('the resolution of an order in review', () => {
  let bench: Bench;
  let apps: RunningApp[];
  let customer: Person;
  let operator: Person;
  before(async () => {
    bench = await openBench();
    apps = await Promise.all([bench.start(), bench.start()]);
    customer = bench.person();
    operator = bench.person('operator');
  });
  after(() => bench.close());

  const inReview = async (): Promise<string> => {
    const orderId = await placed(apps[0]!, customer);
    await bench.review(orderId);
    return orderId;
  };
  const resolve = (orderId: string, body: Partial<OrderResolution>, person = operator, replica = 0) =>
    call<Order & Problem & { state: string }>(`${apps[replica]!.url}/orders/${orderId}/resolution`, person, { body });
  const note = 'The bank has lifted its block.';

  it('asks for the refund again, under a new number each time, until it is given back', async () => {
    const orderId = await inReview();
    for (const retry of [1, 2]) {
      const { status, body } = await resolve(orderId, { decision: 'retry-refund', note });
      assert.deepEqual([status, body.state], [200, 'Compensating']);
      await bench.heard(orderId, 'CancelPayment', retry + 1);
      assert.deepEqual(bench.bodies(orderId, 'CancelPayment').at(-1), { orderId, retry });
      await bench.say(orderId, retry === 1 ? 'PaymentCancelRefused' : 'PaymentCancelled');
      await bench.reached(orderId, retry === 1 ? 'RequiresReview' : 'Compensated');
    }
    const { body } = await read(apps[0]!, customer, orderId);
    assert.equal(body.reason, 'The reservation was gone when the payment arrived.');
    assert.deepEqual(
      body.history.slice(-5).map(({ event, to }) => `${event} ${to}`),
      [
        'PaymentCancelRefused RequiresReview',
        'RefundRetried Compensating',
        'PaymentCancelRefused RequiresReview',
        'RefundRetried Compensating',
        'PaymentCancelled Compensated',
      ],
    );
    assert.ok(body.history.every(({ at }) => !Number.isNaN(Date.parse(at))));
  });

  it('repeats a refund that was asked for again until it is answered, under the same number', async () => {
    const orderId = await inReview();
    await resolve(orderId, { decision: 'retry-refund', note });
    await bench.heard(orderId, 'CancelPayment', 2);
    await bench.deadline(orderId);
    await bench.heard(orderId, 'CancelPayment', 3);
    assert.deepEqual(
      bench.bodies(orderId, 'CancelPayment').map((body) => (body as { retry?: number }).retry),
      [undefined, 1, 1],
    );
  });

  it('settles it by hand with the note as reason, and sends nothing', async () => {
    const orderId = await inReview();
    const sent = bench.commands(orderId).length;
    const { status, body } = await resolve(orderId, { decision: 'settled-by-hand', note: 'Sent by bank transfer.' });
    assert.deepEqual([status, body.state, body.reason], [200, 'Compensated', 'Sent by bank transfer.']);
    assert.equal((await read(apps[1]!, customer, orderId)).body.reason, 'Sent by bank transfer.');
    assert.equal(bench.commands(orderId).length, sent);
    const [row] = await bench.test.database.query(
      'SELECT decision FROM saga_transitions WHERE saga_id = $1 AND seq = $2',
      [orderId, body.history.at(-1)!.seq],
    );
    assert.deepEqual(row, { decision: { by: operator.userId, note: 'Sent by bank transfer.' } });
  });

  it('is made once, whoever decides at the same moment and at whichever replica', async () => {
    const orderId = await inReview();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        resolve(orderId, { decision: index % 3 === 0 ? 'retry-refund' : 'settled-by-hand', note }, operator, index % 2),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted((one, other) => one - other);
    assert.deepEqual(statuses, [200, ...Array.from({ length: 9 }, () => 409)]);
    assert.equal(answers.find(({ status }) => status === 409)!.body.code, 'conflict');
    const decided = await bench.test.database.query(
      'SELECT FROM saga_transitions WHERE saga_id = $1 AND decision IS NOT NULL',
      [orderId],
    );
    assert.equal(decided.length, 1);
  });

  it('is a 409 for an order that is not in review, with where it is', async () => {
    const fresh = await placed(apps[0]!, customer);
    const done = await placed(apps[0]!, customer);
    await bench.complete(done);
    for (const [orderId, state] of [
      [fresh, 'Initiated'],
      [done, 'Completed'],
    ] as const) {
      const { status, body } = await resolve(orderId, { decision: 'settled-by-hand', note });
      assert.deepEqual([status, body.code, body.state], [409, 'conflict', state]);
      assert.equal(await bench.state(orderId), state);
    }
  });

  it('is for operators, about orders there are, with a note', async () => {
    const orderId = await inReview();
    const expect = async (asked: Promise<Answer<Problem>>, status: number): Promise<void> => {
      const answer = await asked;
      assert.equal(answer.status, status, JSON.stringify(answer.body));
    };
    await expect(resolve(orderId, { decision: 'retry-refund', note }, customer), 403);
    await expect(resolve(randomUUIDv7(), { decision: 'retry-refund', note }), 404);
    await expect(resolve(orderId, { decision: 'retry-refund' }), 422);
    await expect(resolve(orderId, { decision: 'retry-refund', note: '' }), 422);
    await expect(resolve(orderId, { decision: 'retry-refund', note: 'x'.repeat(501) }), 422);
    await expect(resolve(orderId, { decision: 'forget-it' as 'retry-refund', note }), 422);
    assert.equal(await bench.state(orderId), 'RequiresReview');
  });

  it('is followed by whoever looks again: the stream that ended in review goes on', async () => {
    const orderId = await inReview();
    const url = `${apps[1]!.url}/orders/${orderId}/events`;
    const first = await openStream(url, customer.token);
    await until('the end', () => first.ended);
    assert.equal(first.events.at(-1)!.event, 'end');
    await resolve(orderId, { decision: 'retry-refund', note });
    const second = await openStream(url, customer.token, String(first.events.at(-1)!.id));
    await second.reached('Compensating');
    await bench.heard(orderId, 'CancelPayment', 2);
    await bench.say(orderId, 'PaymentCancelled');
    await until('the end', () => second.ended);
    assert.deepEqual(
      second.events.map(({ event, data }) => [event, data['to'] ?? data['state']]),
      [
        ['transition', 'Compensating'],
        ['transition', 'Compensated'],
        ['end', 'Compensated'],
      ],
    );
  });

  it('is found by operators in a list of its own, page by page, with every step and its time', async () => {
    const list = (person: Person, query: string) =>
      call<OrderPage & Problem>(`${apps[0]!.url}/orders?${query}`, person);
    const orderId = await inReview();
    const waiting = await bench.test.database.query<{ id: string }>(
      `SELECT id FROM sagas WHERE state = 'RequiresReview' ORDER BY id DESC`,
    );
    const seen: string[] = [];
    let cursor = '';
    do {
      const { status, body } = await list(operator, `state=RequiresReview&limit=1${cursor}`);
      assert.equal(status, 200);
      for (const order of body.items) {
        seen.push(order.orderId);
        assert.equal(order.state, 'RequiresReview');
        assert.ok(order.history.length > 3);
      }
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    assert.deepEqual(
      seen,
      waiting.map(({ id }) => id),
    );
    assert.ok(seen.includes(orderId));
    const refused = await list(customer, 'state=RequiresReview');
    assert.deepEqual([refused.status, refused.body.code, refused.body.field], [403, 'forbidden', 'state']);
    assert.equal((await list(operator, 'state=Completed')).status, 422);
  });
});
