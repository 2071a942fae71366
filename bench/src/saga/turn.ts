/** One turn of one contender with PostgreSQL to itself: a database of its own, its process, and nothing left afterwards. */
import { setTimeout as pause } from 'node:timers/promises';
import { testBroker } from '@ballast/testing';
import pg from 'pg';
import { forked, type Forked } from '../process.ts';

/** How long PostgreSQL may take to come to rest, and how long it must have been at rest, in ms. */
const restDeadlineMs = 30_000;
const restMs = 200;

/** What is at work in PostgreSQL other than the one who asks: sessions with a statement on its way, and autovacuum. */
const busy = `SELECT count(*)::int AS busy FROM pg_stat_activity
  WHERE pid <> pg_backend_pid()
    AND (backend_type = 'client backend' AND state <> 'idle' OR backend_type = 'autovacuum worker')`;

/** Sessions that are still open, other than the one who asks. */
const sessions = `SELECT count(*)::int AS busy FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND (backend_type = 'client backend' OR backend_type = 'autovacuum worker')`;

/**
 * Writes out what the last one left in memory, so that nobody else pays for it, and waits until PostgreSQL is at rest.
 * @throws Error when it does not come to rest within half a minute.
 */
export async function settle(admin: pg.Client, left: 'sessions may stay' | 'nobody'): Promise<void> {
  const deadline = performance.now() + restDeadlineMs;
  let restSince: number | undefined;
  await admin.query('CHECKPOINT');
  for (;;) {
    const { rows } = await admin.query<{ busy: number }>(left === 'nobody' ? sessions : busy);
    const now = performance.now();
    restSince = rows[0]!.busy === 0 ? (restSince ?? now) : undefined;
    if (restSince !== undefined && now - restSince >= restMs) return;
    if (now > deadline) throw new Error('PostgreSQL did not come to rest');
    await pause(20);
  }
}

/** Starts the contender in `file` on a fresh database, lets `work` have it, and removes all of it. */
export async function turn(
  file: string,
  options: { admin: pg.Client; postgres: string; rabbitmq: string },
  work: (contender: Forked) => Promise<void>,
): Promise<void> {
  const { admin } = options;
  const database = 'bench_sagas';
  const url = new URL(options.postgres);
  url.pathname = `/${database}`;
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${database}`);
  const broker = await testBroker();
  try {
    const contender = await forked(file, {
      BENCH_POSTGRES_URL: url.href,
      BENCH_AMQP_URL: options.rabbitmq,
      BENCH_NAMESPACE: broker.namespace,
    });
    try {
      await work(contender);
    } finally {
      await contender.stop();
    }
  } finally {
    await broker.clean(['participant', 'saga']);
    await admin.query(`DROP DATABASE ${database} WITH (FORCE)`);
    await settle(admin, 'nobody');
  }
}
