import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { testBroker, until, type TestBroker } from '@ballast/testing';
import { createMessage, createMessaging, Terminal, type Message, type Messaging } from '../src/index.ts';
import { KillSwitch } from '../src/kill-switch.ts';

const orderId = '0199a2f4-0000-7000-8000-000000000001';
const release = () => createMessage({ type: 'ReleaseStock', correlationId: orderId, body: { orderId } });

describe('the kill switch', () => {
  it('trips when half of at least ten outcomes within the window failed, not before', () => {
    const trips = (outcomes: readonly boolean[]): number => {
      const killSwitch = new KillSwitch();
      outcomes.forEach((failed, index) => {
        if (killSwitch.note(failed, index)) killSwitch.forget();
      });
      return killSwitch.trips;
    };
    const failures = (count: number) => Array.from({ length: count }, () => true);
    const successes = (count: number) => Array.from({ length: count }, () => false);
    assert.equal(trips(failures(9)), 0);
    assert.equal(trips(failures(10)), 1);
    assert.equal(trips([...successes(5), ...failures(4)]), 0);
    assert.equal(trips([...successes(5), ...failures(5)]), 1);
    assert.equal(trips([...successes(100), ...failures(99)]), 0);
    assert.equal(trips(failures(25)), 2, 'counting begins anew');
  });

  it('forgets what is older than the window', () => {
    const killSwitch = new KillSwitch({ windowMs: 100 });
    for (let at = 0; at < 50; at += 1) assert.equal(killSwitch.note(true, at * 20), false);
  });

  describe('of a consumer', () => {
    let broker: TestBroker;
    let messaging: Messaging;
    const events: string[] = [];
    before(async () => {
      broker = await testBroker();
      messaging = await createMessaging({
        url: broker.url,
        name: 'test',
        namespace: broker.namespace,
        onEvent: (event) => events.push(event.kind),
      });
    });
    after(async () => {
      await messaging.close();
      await broker.clean(['failing', 'letters']);
    });

    it('stops a failing handler and starts it again; every message is handled in the end', async () => {
      const handled = new Set<string>();
      let calls = 0;
      let broken = true;
      const consumer = await messaging.consume({
        queue: 'failing',
        types: ['ReleaseStock'],
        prefetch: 5,
        killSwitch: { restMs: 700 },
        handle: async (message: Message) => {
          calls += 1;
          if (broken) throw new Error('the database is away');
          handled.add(message.id);
        },
      });
      const sent = Array.from({ length: 60 }, release);
      await Promise.all(sent.map((message) => messaging.publish(message)));
      await until('it trips', () => messaging.consumers()[0]?.state === 'tripped');
      assert.ok(messaging.consumers()[0]!.restartsAt! > new Date());
      const callsWhenStopped = await until('nothing is in hand', () => messaging.consumers()[0]!.inHand === 0 && calls);
      assert.equal(messaging.consumers()[0]!.trips, 1, 'what was in hand does not count again');
      assert.ok(callsWhenStopped < 40, `${callsWhenStopped} of 60 messages were tried before it stopped`);
      broken = false;
      await until('all are handled', () => handled.size === sent.length);
      assert.ok(messaging.consumers()[0]!.trips >= 1);
      assert.ok(events.includes('consumer-tripped') && events.includes('consumer-restarted'));
      assert.equal(messaging.consumers()[0]!.state, 'running');
      await consumer.stop();
    });

    it('is not for poison: dead letters are listed as they are and replayed on request', async () => {
      const handled: string[] = [];
      let poisoned = true;
      const consumer = await messaging.consume({
        queue: 'letters',
        types: ['CommitStock'],
        handle: async (message) => {
          if (poisoned) throw new Terminal('no such order');
          handled.push(message.id);
        },
      });
      const sent = Array.from({ length: 12 }, () =>
        createMessage({ type: 'CommitStock', correlationId: orderId, body: { orderId } }),
      );
      for (const message of sent) await messaging.publish(message);
      const letters = await until('all lie among the dead letters', async () => {
        const found = await messaging.deadLetters(50);
        return found.items.length === sent.length && found;
      });
      assert.equal(messaging.consumers()[0]!.trips, 0);
      assert.equal(letters.total, sent.length);
      const first = letters.items.find(({ messageId }) => messageId === sent[0]!.id);
      assert.equal(first?.reason, 'no such order');
      assert.equal(first.attempts, 1);
      assert.equal(first.type, 'CommitStock');
      assert.deepEqual((first.body as Message).body, { orderId });
      const again = await until('looking again finds them all again', async () => {
        const found = await messaging.deadLetters(50);
        return found.items.length === sent.length && found.items;
      });
      assert.deepEqual(new Set(again.map(({ messageId }) => messageId)), new Set(sent.map(({ id }) => id)));

      const still = await messaging.replayDeadLetters();
      assert.equal(still.replayed, sent.length, 'what comes back poisoned is not replayed again by the same call');
      await until('they lie there again', async () => (await messaging.deadLetters(50)).items.length === sent.length);

      poisoned = false;
      const two = [sent[1]!.id, sent[4]!.id];
      assert.equal((await messaging.replayDeadLetters(two)).replayed, 2);
      await until('the two are handled', () => handled.length === 2);
      assert.deepEqual(handled.toSorted(), two.toSorted());
      assert.deepEqual(await messaging.replayDeadLetters(), { replayed: 10, left: 0 });
      await until('all are handled', () => handled.length === 12);
      assert.deepEqual((await messaging.deadLetters(50)).items, []);
      await consumer.stop();
    });
  });
});
