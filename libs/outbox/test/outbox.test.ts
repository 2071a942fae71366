import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { createMessage, PublishFailed, type Message } from '@ballast/messaging';
import type { Database } from '@ballast/postgres';
import { createDatabase } from '@ballast/postgres';
import { seededRandom, testDatabase, until, type TestDatabase } from '@ballast/testing';
import { createOutbox, outboxMigrations, rememberMessages, type Outbox } from '../src/index.ts';

const aggregate = (index: number) => `0199a2f4-0000-7000-8000-${String(index).padStart(12, '0')}`;
const message = (index: number): Message =>
  createMessage({ type: 'ReleaseStock', correlationId: aggregate(index), body: { orderId: aggregate(index) } });

/** A broker in memory that can be away, slow or choosy; only for what cannot be timed on the real one. */
function listener() {
  const heard: Message[] = [];
  const state = { up: true, refuse: (_message: Message) => false };
  return {
    heard,
    state,
    publish: async (sent: Message) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (!state.up || state.refuse(sent)) throw new PublishFailed('away');
      heard.push(sent);
    },
  };
}

describe('the outbox', () => {
  let test: TestDatabase;
  let database: Database;
  const running: Outbox[] = [];
  const open = (publish: (sent: Message) => Promise<void>): Outbox => {
    const outbox = createOutbox({ database, publish, sweepEveryMs: 50 });
    running.push(outbox);
    outbox.start();
    return outbox;
  };
  const store = (outbox: Outbox, messages: Message[]) =>
    database.transaction((transaction) => outbox.append(transaction, messages));
  /** Lets every lease run out now, as three seconds would. */
  const endLeases = () => database.query(`UPDATE outbox SET leased_until = '-infinity'`);
  const rows = async () =>
    (await database.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox'))[0]!.count;

  before(async () => {
    test = await testDatabase({ schema: 'outbox_test', sets: [outboxMigrations] });
    database = createDatabase({ url: test.url, applicationName: 'outbox-test', maxConnections: 8 });
  });
  beforeEach(() => database.query('TRUNCATE outbox, inbox'));
  afterEach(async () => {
    await Promise.all(running.splice(0).map((outbox) => outbox.stop()));
  });
  after(async () => {
    await database.close();
    await test.drop();
  });

  it('tells nothing of a transaction that rolled back', async () => {
    const { heard, publish } = listener();
    const outbox = open(publish);
    await assert.rejects(
      database.transaction(async (transaction) => {
        await outbox.append(transaction, [message(1)]);
        throw new Error('no');
      }),
    );
    await store(outbox, [message(2)]);
    await until('the second', () => heard.length > 0);
    assert.deepEqual(
      heard.map((sent) => sent.correlationId),
      [aggregate(2)],
    );
  });

  it('tells nothing while it is paused, says what waits, and everything once it goes on', async () => {
    const { heard, publish } = listener();
    const outbox = open(publish);
    outbox.pause(60_000);
    assert.ok(outbox.state().pausedUntil! > new Date());
    const sent = [message(1), message(2), message(1)];
    for (const one of sent) await store(outbox, [one]);
    await until('nobody holds the rows', async () => {
      const held = await database.query('SELECT 1 FROM outbox WHERE leased_until > now()');
      return held.length === 0;
    });
    assert.deepEqual((await outbox.backlog()).rows, 3);
    assert.deepEqual(
      (await outbox.waiting(2)).map(({ aggregateId, type }) => ({ aggregateId, type })),
      [1, 2].map((index) => ({ aggregateId: aggregate(index), type: 'ReleaseStock' })),
    );
    assert.equal(heard.length, 0);
    outbox.resume();
    await until('an empty table', async () => (await rows()) === 0);
    assert.equal(heard.length, 3);
    assert.deepEqual(
      heard.filter((one) => one.correlationId === aggregate(1)).map((one) => one.id),
      [sent[0]!.id, sent[2]!.id],
      'in order',
    );
    assert.deepEqual(outbox.state(), { pausedUntil: null, told: 3 });
  });

  it('goes on by itself when the pause is over', async () => {
    const { heard, publish } = listener();
    const outbox = open(publish);
    outbox.pause(150);
    await store(outbox, [message(1)]);
    await until('it is told', () => heard.length === 1);
  });

  it('tells a message as it was stored and forgets it after the confirm', async () => {
    const { heard, publish } = listener();
    const sent = message(1);
    await store(open(publish), [sent]);
    await until('an empty table', async () => heard.length === 1 && (await rows()) === 0);
    assert.deepEqual(heard[0], sent);
  });

  it('keeps what could not be told, and tells it when the broker is back', async () => {
    const { heard, state, publish } = listener();
    state.up = false;
    const outbox = open(publish);
    await store(outbox, [message(1), message(2)]);
    assert.equal((await outbox.backlog()).rows, 2);
    state.up = true;
    await endLeases();
    await until('both', async () => heard.length === 2 && (await rows()) === 0);
  });

  it('tells what another process stored and did not live to tell', async () => {
    const { heard, publish } = listener();
    const dead = createOutbox({ database, publish: () => new Promise(() => {}) });
    await store(dead, [message(1)]);
    await endLeases();
    open(publish);
    await until('the message', () => heard.length === 1);
  });

  it('keeps the order within an aggregate when the first message fails', async () => {
    const { heard, state, publish } = listener();
    const [first, second] = [message(1), message(1)];
    state.refuse = (sent) => sent.id === first.id;
    const outbox = open(publish);
    await store(outbox, [first]);
    await store(outbox, [second, message(2)]);
    await until('the other aggregate', () => heard.some((sent) => sent.correlationId === aggregate(2)));
    assert.ok(!heard.some((sent) => sent.id === second.id));
    state.refuse = () => false;
    await endLeases();
    await until('the held-back pair', () => heard.length === 3);
    assert.deepEqual(
      heard.filter((sent) => sent.correlationId === aggregate(1)).map((sent) => sent.id),
      [first.id, second.id],
    );
  });

  it('keeps the order over two processes under failures, with nothing lost', async () => {
    const random = seededRandom(7);
    const heard: Message[] = [];
    const publish = async (sent: Message) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (random() < 0.1) throw new PublishFailed('a bad moment');
      heard.push(sent);
    };
    const outboxes = [open(publish), open(publish)];
    const stored: Message[] = [];
    for (let round = 0; round < 30; round += 1) {
      const batch = Array.from({ length: 10 }, (_, index) => message(index));
      stored.push(...batch);
      // One process after the other, as version-guarded writers to an aggregate are.
      await store(outboxes[round % 2]!, batch);
    }
    await until('an empty table', async () => {
      await endLeases();
      return (await rows()) === 0;
    });
    for (let index = 0; index < 10; index += 1) {
      const wanted = stored.filter((sent) => sent.correlationId === aggregate(index)).map((sent) => sent.id);
      // First tellings: at least once allows repeats, order is judged by when each was first heard.
      const first = [
        ...new Set(heard.filter((sent) => sent.correlationId === aggregate(index)).map((sent) => sent.id)),
      ];
      assert.deepEqual(first, wanted);
    }
  });

  it('does not hurry while the broker is away, however much is waiting', async () => {
    const dead = createOutbox({ database, publish: () => new Promise(() => {}) });
    await store(
      dead,
      Array.from({ length: 600 }, (_, index) => message(index)),
    );
    await endLeases();
    let tries = 0;
    let first = 0;
    const publish = async () => {
      tries += 1;
      if (tries === 1) first = performance.now();
      throw new PublishFailed('away');
    };
    const outbox = createOutbox({ database, publish, sweepEveryMs: 300 });
    running.push(outbox);
    outbox.start();
    await until('four pages', () => tries > 1_500);
    // Four pages of 500 have three pauses between them.
    assert.ok(performance.now() - first > 700, `${tries} tries in ${performance.now() - first} ms`);
  });

  it('forgets old messages in the inbox in pieces, whatever their number', async () => {
    await database.query(
      `INSERT INTO inbox (message_id, consumer, received_at)
       SELECT gen_random_uuid(), 'a', now() - interval '8 days' FROM generate_series(1, 12000)`,
    );
    await database.query(`INSERT INTO inbox (message_id, consumer) VALUES (gen_random_uuid(), 'a')`);
    const outbox = createOutbox({ database, publish: async () => {}, sweepEveryMs: 5, forgetEverySweeps: 2 });
    running.push(outbox);
    outbox.start();
    const left = () => database.query<{ count: number }>('SELECT count(*)::int AS count FROM inbox');
    await until('only the new one', async () => (await left())[0]!.count === 1);
  });

  it('remembers each message once per consumer', async () => {
    const ids = [message(1).id, message(2).id];
    const remember = (consumer: string) =>
      database.transaction((transaction) => rememberMessages(transaction, consumer, ids));
    assert.deepEqual(await remember('a'), new Set(ids));
    assert.deepEqual(await remember('a'), new Set());
    assert.deepEqual(await remember('b'), new Set(ids));
    const racing = await Promise.all(Array.from({ length: 6 }, () => remember('c')));
    assert.equal(
      racing.reduce((sum, fresh) => sum + fresh.size, 0),
      2,
    );
  });
});
