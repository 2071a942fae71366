import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { after, before, describe, it } from 'node:test';
import type { Message } from '@ballast/messaging';
import { createOutbox, outboxMigrations, type Outbox } from '@ballast/outbox';
import { createDatabase, type Database } from '@ballast/postgres';
import { seededRandom, shuffled, testDatabase, until, type TestDatabase } from '@ballast/testing';
import { createSagaEngine, sagaMigrations, type SagaEngine, type StartRequest } from '../src/index.ts';
import { asking, trip, type Trip } from './trip.ts';

const event = (type: string, sagaId: string, id: string = randomUUIDv7()): Message =>
  ({
    id,
    type,
    version: 1,
    occurredAt: new Date().toISOString(),
    correlationId: sagaId,
    causationId: null,
    body: {},
  }) as unknown as Message;

/** Two replicas of the engine over the same real tables; commands are caught where the broker would take them. */
describe('the saga engine', () => {
  let test: TestDatabase;
  let database: Database;
  const outboxes: Outbox[] = [];
  const engines: SagaEngine<Trip>[] = [];
  const sent: { type: string; correlationId: string }[] = [];

  before(async () => {
    test = await testDatabase({ schema: 'saga_test', sets: [outboxMigrations, sagaMigrations] });
    database = createDatabase({ url: test.url, applicationName: 'saga-test', maxConnections: 8 });
    for (let replica = 0; replica < 2; replica += 1) {
      const outbox = createOutbox({ database, publish: async (message) => void sent.push(message), sweepEveryMs: 50 });
      outboxes.push(outbox);
      engines.push(createSagaEngine({ definition: trip, database, outbox, deadlinesEveryMs: 20 }));
    }
  });
  after(async () => {
    await Promise.all(engines.map((engine) => engine.stop()));
    await Promise.all(outboxes.map((outbox) => outbox.stop()));
    await database.close();
    await test.drop();
  });

  const own = {
    name: 'trip-start',
    accept: `accepted AS (SELECT id FROM unnest($9::uuid[]) AS given(id) WHERE NOT EXISTS (SELECT FROM sagas s WHERE s.id = given.id))`,
    parameters: (requests: readonly StartRequest<Trip>[]) => [requests.map((request) => request.id)],
  };
  const start = async (nights = 1): Promise<string> => {
    const id = randomUUIDv7();
    assert.equal(await engines[0]!.starter(own)({ id, context: { nights } }), true);
    return id;
  };
  const state = async (id: string) =>
    (
      await database.query<{ state: string; version: number }>('SELECT state, version FROM sagas WHERE id = $1', [id])
    )[0]!;
  const log = async (id: string) =>
    (
      await database.query<{ to_state: string }>('SELECT * FROM saga_transitions WHERE saga_id = $1 ORDER BY seq', [id])
    ).map((row) => row.to_state);
  const commands = (id: string) =>
    sent.filter((message) => message.correlationId === id).map((message) => message.type);

  it('starts once, and not at all when the service refuses', async () => {
    const id = await start();
    assert.equal(await engines[1]!.starter(own)({ id, context: { nights: 1 } }), false);
    await until('its command', () => commands(id).length > 0);
    assert.deepEqual(commands(id), ['BookRoom']);
  });

  it('walks to its end with state, log and commands in step', async () => {
    const id = await start();
    await engines[0]!.handle(event('RoomBooked', id));
    await engines[1]!.handle(event('FlightBooked', id));
    assert.deepEqual(await state(id), { state: 'Done', version: 3 });
    assert.deepEqual(await log(id), ['Asked', 'RoomBooked', 'Done']);
    await until('the commands', () => commands(id).length === 2);
    assert.deepEqual(commands(id), ['BookRoom', 'BookFlight']);
  });

  it('counts each state that is entered, once', async () => {
    const seen: unknown[] = [];
    const note = (counted: unknown): void => void seen.push(counted);
    diagnostics.subscribe('ballast:count', note);
    try {
      const id = await start();
      const booked = event('RoomBooked', id);
      await engines[0]!.handle(booked);
      await engines[1]!.handle(booked);
      await engines[0]!.handle(event('FlightBooked', id));
    } finally {
      diagnostics.unsubscribe('ballast:count', note);
    }
    const entered = (state: string) => ({ name: 'saga_states_entered_total', labels: { saga: trip.name, state } });
    assert.deepEqual(seen, [entered('RoomBooked'), entered('Done')]);
  });

  it('acts once on a message however often and wherever it is delivered', async () => {
    const id = await start();
    const message = event('RoomBooked', id);
    await Promise.all(Array.from({ length: 12 }, (_, index) => engines[index % 2]!.handle(message)));
    assert.deepEqual(await log(id), ['Asked', 'RoomBooked']);
  });

  it('writes beside each transition which message caused it', async () => {
    const id = await start();
    const [booked, early] = [event('RoomBooked', id), event('FlightBooked', id)];
    await engines[0]!.handle(early);
    await engines[0]!.handle(booked);
    assert.deepEqual(
      await database.query('SELECT event, message_id FROM saga_transitions WHERE saga_id = $1 ORDER BY seq', [id]),
      [
        { event: 'TripWanted', message_id: null },
        { event: 'FlightBooked', message_id: early.id },
        { event: 'RoomBooked', message_id: booked.id },
        { event: 'FlightBooked', message_id: booked.id },
      ],
    );
  });

  it('acts once on a message that another replica, or one that has died, acted on before', async () => {
    const id = await start();
    const [booked, early] = [event('RoomBooked', id), event('FlightBooked', id)];
    await engines[0]!.handle(early);
    const fresh = createSagaEngine({ definition: trip, database, outbox: outboxes[1]! });
    for (const engine of [engines[1]!, fresh]) await engine.handle(early);
    await engines[1]!.handle(booked);
    const end = await state(id);
    for (const engine of [...engines, fresh]) for (const message of [booked, early]) await engine.handle(message);
    assert.deepEqual(await state(id), end);
    assert.deepEqual(end, { state: 'Done', version: 4 });
  });

  it('decides on the row, not on what it remembers of it, once another has moved it', async () => {
    const id = await start();
    await engines[0]!.handle(event('RoomBooked', id));
    // The first engine still remembers a saga that waits for its flight.
    await engines[1]!.handle(event('FlightBooked', id));
    await engines[0]!.handle(event('FlightBooked', id));
    assert.deepEqual(await log(id), ['Asked', 'RoomBooked', 'Done']);

    const other = await start();
    await engines[1]!.handle({ ...event('RoomRefused', other), body: { why: 'full' } } as unknown as Message);
    // What is remembered says "ask for a flight"; the row says that it is over.
    await engines[0]!.handle(event('RoomBooked', other));
    assert.deepEqual(await log(other), ['Asked', 'Undone']);
    assert.deepEqual(commands(other), ['BookRoom']);
  });

  it('decides again what it decided on a state that has passed, when two replicas are at it together', async () => {
    const id = await start();
    // Held until both have read the same version and wait to write what they made of it.
    let both: Promise<unknown> = Promise.resolve();
    await database.transaction(async (transaction) => {
      await transaction.query('SELECT FROM sagas WHERE id = $1 FOR UPDATE', [id]);
      both = Promise.all(engines.map((engine) => engine.handle(event('RoomBooked', id))));
      await until('both to wait', async () => {
        const waiting = await test.database.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting.length === 2;
      });
    });
    await both;
    assert.deepEqual(await log(id), ['Asked', 'RoomBooked']);
  });

  it('looks after the deadlines of the others beside one it does not know', async () => {
    const own = createSagaEngine({
      definition: trip,
      database,
      outbox: outboxes[0]!,
      deadlinesEveryMs: 20,
      onError: () => {},
    });
    const [strange, id] = [await start(), await start()];
    await database.query(`UPDATE sagas SET state = 'OfALaterVersion' WHERE id = $1`, [strange]);
    await database.query(`UPDATE sagas SET deadline_at = now() - interval '1 second' WHERE id = ANY($1)`, [
      [strange, id],
    ]);
    own.start();
    await until('the undoing', async () => (await state(id)).state === 'Undoing');
    await own.stop();
    await database.query('DELETE FROM sagas WHERE id = $1', [strange]);
  });

  it('comes to the same end when messages are tripled and shuffled over both replicas, in batches', async () => {
    const random = seededRandom(3);
    const ids = await Promise.all(Array.from({ length: 100 }, () => start()));
    const deliveries = ids.flatMap((id) =>
      ['RoomBooked', 'FlightBooked'].flatMap((type) => Array<Message>(3).fill(event(type, id))),
    );
    await Promise.all(shuffled(deliveries, random).map((message, index) => engines[index % 2]!.handle(message)));
    const states = await database.query('SELECT state, count(*)::int FROM sagas WHERE id = ANY($1) GROUP BY state', [
      ids,
    ]);
    assert.deepEqual(states, [{ state: 'Done', count: 100 }]);
    const flights = ids.flatMap(commands).filter((type) => type === 'BookFlight');
    await until('a flight each', () => ids.flatMap(commands).filter((type) => type === 'BookFlight').length === 100);
    assert.ok(flights.length <= 100);
    const gaps = await database.query(
      `SELECT saga_id FROM saga_transitions WHERE saga_id = ANY($1) GROUP BY saga_id HAVING count(*) <> max(seq)`,
      [ids],
    );
    assert.deepEqual(gaps, []);
  });

  it('raises a passed deadline once, whichever replica sees it', async () => {
    const id = await start();
    await database.query(`UPDATE sagas SET deadline_at = now() - interval '1 second' WHERE id = $1`, [id]);
    for (const engine of engines) engine.start();
    await until('the undoing', async () => (await state(id)).state === 'Undoing');
    assert.deepEqual(await log(id), ['Asked', 'Undoing']);
    await engines[0]!.handle(event('RoomCancelled', id));
    assert.equal((await state(id)).state, 'Undone');
  });

  it('lets one person decide, once, about what that person saw, and writes down who it was', async () => {
    const engine = createSagaEngine({ definition: asking, database, outbox: outboxes[0]! });
    const startOne = engine.starter({ ...own, name: 'asking-start' });
    const stuck = async (): Promise<string> => {
      const id = randomUUIDv7();
      await startOne({ id, context: { nights: 1 } });
      await database.query(`UPDATE sagas SET state = 'Stuck', deadline_at = NULL WHERE id = $1`, [id]);
      return id;
    };
    const [by, note] = [randomUUIDv7(), 'The hotel called back.'];
    const id = await stuck();
    const choices = ['AskedAgain', 'GivenUp'];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => engine.decide({ id, event: choices[index % 2]!, version: 1, by, note })),
    );
    assert.equal(answers.filter(Boolean).length, 1);
    const decided = 'SELECT seq, decision FROM saga_transitions WHERE saga_id = $1 AND decision IS NOT NULL';
    assert.deepEqual(await database.query(decided, [id]), [{ seq: 2, decision: { by, note } }]);

    const other = await stuck();
    assert.equal(await engine.decide({ id: other, event: 'GivenUp', version: 2, by, note }), false);
    assert.equal(await engine.decide({ id: other, event: 'GivenUp', version: 1, by, note }), true);
    assert.deepEqual(
      await database.query(`SELECT state, context ->> 'why' AS why, deadline_at FROM sagas WHERE id = $1`, [other]),
      [{ state: 'Undone', why: note, deadline_at: null }],
    );
    const running = randomUUIDv7();
    await startOne({ id: running, context: { nights: 1 } });
    assert.equal(await engine.decide({ id: running, event: 'GivenUp', version: 1, by, note }), false);
    await assert.rejects(engine.decide({ id: running, event: 'RoomKept', version: 1, by, note }), TypeError);
  });

  it('refuses an event for a saga it has never started, without harming its neighbours', async () => {
    const id = await start();
    const results = await Promise.allSettled([
      engines[0]!.handle(event('RoomBooked', randomUUIDv7())),
      engines[0]!.handle(event('RoomBooked', id)),
    ]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['rejected', 'fulfilled'],
    );
  });
});
