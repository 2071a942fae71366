/** What is judged by a statement or two each second: stock, reservations, sagas at rest, outboxes, claims, transactions. */
import type { Queryable } from '@ballast/postgres';
import type { Board, Finding, Offence } from '../domain/board.ts';
import { idleInTransaction } from '../store/backends.ts';
import { unpaidClaims, waitingRows } from '../store/delivery.ts';
import { restingSagas } from '../store/follow.ts';
import { heldInVain, wrongShelves, wrongSums } from '../store/stock.ts';
import { plural, report, type PartName } from './look.ts';

/** Ages below these are in the way of things and not looked at, in seconds. */
const inMotion = { outbox: 2, saga: 45, claim: 15, transaction: 2 };
/** A saga must have moved within this, in ms (invariant 6); so must a granted claim. */
const sagaRestsMs = 60_000;
/** Oldest row of an outbox (invariant 8), and how long the broker may take to be back after a fault, in ms. */
const outboxMs = 5_000;
const brokerReturnsMs = 15_000;
/** A session idle in a transaction (invariant 14), in ms. */
const idleMs = 5_000;
const mostListed = 500;

interface RowLook {
  subject: string;
  parts: readonly PartName[];
  look: (database: Queryable) => Promise<Finding[]>;
}

const looks: readonly RowLook[] = [
  { subject: 'products', parts: [[1, 'sums']], look: stockSums },
  { subject: 'reservations', parts: [[2, 'held']], look: heldStock },
  { subject: 'sagas', parts: [[6, 'moving']], look: movingSagas },
  { subject: 'claims', parts: [[3, 'claims']], look: paidClaims },
  { subject: 'outboxes', parts: [[8, 'outboxes']], look: outboxes },
  { subject: 'sessions', parts: [[14, 'transactions']], look: transactions },
];

/** Returns the look; call it every second. Each part is looked at by itself, so that one that fails leaves the others. */
export function createRowLook(board: Board, database: Queryable): () => Promise<void> {
  return async () => {
    await Promise.all(looks.map(({ subject, parts, look }) => report(board, subject, parts, () => look(database))));
  };
}

async function stockSums(database: Queryable): Promise<Finding[]> {
  const { products, wrong } = await wrongSums(database);
  const offences = wrong.map(({ product_id: id, initial, on_hand: onHand, reserved, sold }): Offence => {
    const missing = initial - onHand - reserved - sold;
    const why = `product ${id}: of ${initial} pieces ${onHand} are on hand, ${reserved} reserved and ${sold} sold`;
    return { id, key: `${id} sums ${missing}`, why, lasts: 0 };
  });
  return [{ invariant: 1, part: 'sums', detail: plural(products, 'product'), offences }];
}

async function heldStock(database: Queryable): Promise<Finding[]> {
  const { reserved, held } = await heldInVain(database);
  const offences = held.map(({ order_id: id, state, age_ms: age }): Offence => ({
    id,
    why: `order ${id}: it ${state === null ? 'is unknown' : `is ${state}`} and holds stock`,
    lasts: 5_000,
    afterHeal: 60_000,
    age,
  }));
  return [{ invariant: 2, part: 'held', detail: plural(reserved, 'reservation'), offences }];
}

async function movingSagas(database: Queryable): Promise<Finding[]> {
  const resting = await restingSagas(database, inMotion.saga, mostListed);
  const offences = resting.map(({ id, state, rested_ms: age }): Offence => ({
    id,
    why: `order ${id}: it has been ${state} for ${Math.round(age / 1_000)} s`,
    lasts: sagaRestsMs,
    afterHeal: sagaRestsMs,
    age,
  }));
  const detail = `${plural(resting[0]?.total ?? 0, 'saga')} without a move for ${inMotion.saga} s`;
  return [{ invariant: 6, part: 'moving', detail, offences }];
}

async function paidClaims(database: Queryable): Promise<Finding[]> {
  const unpaid = await unpaidClaims(database, inMotion.claim);
  const offences = unpaid.map(({ claim_id: id, order_id: orderId, age_ms: age }): Offence => ({
    id: orderId,
    key: `claim ${id}`,
    why: `order ${orderId}: claim ${id} was granted ${Math.round(age / 1_000)} s ago and its money is not back`,
    lasts: sagaRestsMs,
    afterHeal: sagaRestsMs,
    age,
  }));
  return [{ invariant: 3, part: 'claims', detail: '', offences }];
}

async function outboxes(database: Queryable): Promise<Finding[]> {
  const schemas = await waitingRows(database, inMotion.outbox);
  const offences = schemas.flatMap(({ schema, oldest }) =>
    oldest.map(({ id, type, ageMs }): Offence => ({
      id: `${schema}:${id}`,
      why: `${schema} has had ${type} to tell for ${(ageMs / 1_000).toFixed(1)} s`,
      lasts: outboxMs,
      afterHeal: outboxMs + brokerReturnsMs,
      age: ageMs,
    })),
  );
  const rows = schemas.reduce((sum, schema) => sum + schema.rows, 0);
  return [{ invariant: 8, part: 'outboxes', detail: `${plural(rows, 'row')} to tell`, offences }];
}

async function transactions(database: Queryable): Promise<Finding[]> {
  const seen = await idleInTransaction(database, inMotion.transaction);
  if (seen === null) throw new Error('this login may not see what others do (it needs pg_read_all_stats)');
  const offences = seen.idle.map(({ pid, username, application, idle_ms: age }): Offence => ({
    id: `${application === '' ? username : application}:${pid}`,
    why: `session ${pid} of ${application === '' ? username : application} has been idle in a transaction for ${(age / 1_000).toFixed(1)} s`,
    lasts: idleMs,
    age,
  }));
  return [{ invariant: 14, part: 'transactions', detail: plural(seen.sessions, 'session'), offences }];
}

/** Returns the look at all reservations; call it as often as its own time allows. */
export function createShelfLook(board: Board, database: Queryable): () => Promise<void> {
  return () =>
    report(board, 'reservations', [[1, 'shelf']], async () => {
      const wrong = await wrongShelves(database);
      const offences = wrong.map(({ product_id: id, reserved, sold, held, gone }): Offence => {
        const why = `product ${id}: ${reserved} pieces are reserved and ${sold} sold, orders hold ${held} and have ${gone}`;
        // More sales move both numbers alike: the damage is the difference.
        return { id, key: `${id} shelf ${reserved - held} ${sold - gone}`, why, lasts: 0 };
      });
      return [{ invariant: 1, part: 'shelf', detail: '', offences }];
    });
}
