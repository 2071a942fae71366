/** The defect `postgres.leaks-transaction`: a transaction that is begun, forgotten, and found again after a while. */
import type pg from 'pg';
import { pause } from './time.ts';

/** Longer than a session may be idle in a transaction; the server would end it long before. */
const forgottenMs = 8_000;

let leaking = false;

/** Begins a transaction on a connection of its own and leaves it alone. One at a time: the pool must go on working. */
export function leakTransaction(pool: pg.Pool): void {
  if (leaking) return;
  leaking = true;
  void leak(pool).finally(() => {
    leaking = false;
  });
}

async function leak(pool: pg.Pool): Promise<void> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch {
    // No connection is to be had: then none is leaked.
    return;
  }
  try {
    await client.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0');
    await pause(forgottenMs);
    await client.query('ROLLBACK');
    client.release();
  } catch (error) {
    client.release(error instanceof Error ? error : true);
  }
}
