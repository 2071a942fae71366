/** What payments says about granted claims: exactly once, in any order. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Claim } from '@ballast/contracts';
import { createMessage, type Message } from '@ballast/messaging';
import { until, type RunningApp } from '@ballast/testing';
import { decide, filed, openBench, type Bench, type Person } from '../support.ts';

const refunded = ({ orderId, claimId }: { orderId: string; claimId: string }): Message =>
  createMessage({
    type: 'PaymentRefunded',
    correlationId: orderId,
    body: { orderId, claimId, refunded: 1250, currency: 'EUR' },
  });
const refused = ({ orderId, claimId }: { orderId: string; claimId: string }): Message =>
  createMessage({
    type: 'RefundRefused',
    correlationId: orderId,
    body: { orderId, claimId, code: 'disputed', detail: 'The money cannot be given back.' },
  });

describe('a granted claim', () => {
  let bench: Bench;
  let app: RunningApp;
  let person: Person;
  let operator: Person;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
    person = bench.person();
    operator = bench.person('operator');
  });
  after(() => bench.close());

  const granted = async (): Promise<Claim> => {
    const claim = await filed(app, person, bench.checkout.add(person.userId));
    await until('it to be granted', async () => (await decide(app, operator, claim.claimId, 'grant')).status === 200);
    return claim;
  };
  const row = async (claimId: string): Promise<{ state: string; refusal: string | null; version: string }> => {
    const [found] = await bench.test.database.query<{ state: string; refusal: string | null; version: string }>(
      'SELECT state, refusal, xmin::text AS version FROM claims WHERE claim_id = $1',
      [claimId],
    );
    return found!;
  };
  const reached = async (claimId: string, state: string): Promise<void> => {
    await until(`claim ${state}`, async () => (await row(claimId)).state === state);
  };
  const handled = async (...messages: readonly Message[]): Promise<void> => {
    const ids = messages.map(({ id }) => id);
    await until('the messages are remembered', async () => {
      const known = await bench.test.database.query('SELECT FROM inbox WHERE message_id = ANY($1)', [ids]);
      return known.length === ids.length;
    });
  };

  it('is refunded when the money is back, and once: the message again changes nothing', async () => {
    const claim = await granted();
    const message = refunded(claim);
    await bench.payments.say(message);
    await reached(claim.claimId, 'refunded');
    const before = await row(claim.claimId);
    const marker = refunded(await granted());
    await bench.payments.say(message, message, refunded(claim), marker);
    await handled(marker);
    assert.deepEqual(await row(claim.claimId), before);
  });

  it('is refund-refused when the provider will not, with its reason', async () => {
    const claim = await granted();
    await bench.payments.say(refused(claim));
    await reached(claim.claimId, 'refund-refused');
    assert.equal((await row(claim.claimId)).refusal, 'disputed: The money cannot be given back.');
  });

  it('that is refund-refused is granted again: payments is asked once more, under the next number', async () => {
    const claim = await granted();
    for (const retry of [1, 2]) {
      const refusal = refused(claim);
      await bench.payments.say(refusal);
      await reached(claim.claimId, 'refund-refused');
      assert.equal((await decide(app, operator, claim.claimId, 'refuse')).status, 409);
      const answers = await Promise.all(
        ['A new key.', undefined, undefined].map((note) => decide(app, operator, claim.claimId, 'grant', note)),
      );
      for (const { status, body } of answers) assert.deepEqual([status, body.state], [200, 'granted']);
      assert.equal((await row(claim.claimId)).refusal, null);
      const asked = await until('payments is asked again', () => {
        const commands = new Map(bench.payments.heard(claim.orderId).map((message) => [message.id, message]));
        return commands.size > retry ? [...commands.values()] : null;
      });
      assert.deepEqual(
        asked.map(({ body }) => body),
        [{}, { retry: 1 }, { retry: 2 }]
          .slice(0, retry + 1)
          .map((extra) => ({ orderId: claim.orderId, claimId: claim.claimId, ...extra })),
      );
      // The refusal that was heard already says nothing about this try.
      const marker = refunded(await granted());
      await bench.payments.say(refusal, marker);
      await handled(marker);
      assert.equal((await row(claim.claimId)).state, 'granted');
    }
    await bench.payments.say(refunded(claim));
    await reached(claim.claimId, 'refunded');
    assert.equal((await decide(app, operator, claim.claimId, 'grant')).body.state, 'refunded');
  });

  it('is not tried more often than the contract has numbers for, and the operator is told so', async () => {
    const claim = await granted();
    await bench.payments.say(refused(claim));
    await reached(claim.claimId, 'refund-refused');
    await bench.test.database.query('UPDATE claims SET refund_retry = 1000 WHERE claim_id = $1', [claim.claimId]);
    const { status, body } = await decide(app, operator, claim.claimId, 'grant');
    assert.deepEqual([status, body.code], [409, 'conflict']);
    assert.equal((await row(claim.claimId)).state, 'refund-refused');
  });

  it('ends refunded in whatever order it hears of a refusal and of the refund', async () => {
    for (const order of [
      [refused, refunded],
      [refunded, refused],
    ] as const) {
      const claim = await granted();
      const messages = order.map((make) => make(claim));
      for (const message of messages) {
        await bench.payments.say(message);
        await handled(message);
      }
      await reached(claim.claimId, 'refunded');
    }
  });

  it('hears of many at once', async () => {
    const claims = await Promise.all(Array.from({ length: 60 }, granted));
    await bench.payments.say(...claims.flatMap((claim) => [refunded(claim), refused(claim), refunded(claim)]));
    for (const claim of claims) await reached(claim.claimId, 'refunded');
  });

  it('is not touched by a message about another order, and a claim nobody granted is not refunded', async () => {
    const claim = await granted();
    const open = await filed(app, person, bench.checkout.add(person.userId));
    const bad = [
      refunded({ orderId: randomUUIDv7(), claimId: claim.claimId }),
      refunded({ orderId: claim.orderId, claimId: randomUUIDv7() }),
      refunded(open),
    ];
    const good = refunded(await granted());
    await bench.payments.say(...bad, good);
    await handled(good);
    const dead = new Set<string>();
    await until('the bad ones lie with the dead letters', async () => {
      for (const id of await bench.deadLetters()) dead.add(id);
      return dead.size === bad.length;
    });
    assert.deepEqual([...dead].toSorted(), bad.map(({ id }) => id).toSorted());
    assert.deepEqual([(await row(claim.claimId)).state, (await row(open.claimId)).state], ['granted', 'open']);
  });
});
