/**
 * The statements of payments, to be read as SQL, and the rows they speak of. Rows are looked up one by one (LATERAL):
 * a connection plans while the table is empty, keeps that plan, and would read the whole table for a join ever after.
 */
import type { Payment, PaymentState, Refusal, Wanted } from '../domain/payment.ts';

/** How long a driver has a payment to itself: longer than the slowest call it makes. */
const lease = `interval '8 seconds'`;

/** What a write does to the lease. */
export type Lease = 'take' | 'release' | 'keep';

export interface PaymentRow {
  order_id: string;
  provider: Payment['provider'];
  method: string | null;
  amount: string;
  currency: string;
  wanted: Wanted;
  state: PaymentState;
  reference: string | null;
  capture_reference: string | null;
  captured_amount: string | null;
  refusal: Refusal | null;
  claim_id: string | null;
  retry: number;
}
export type LockedRow = PaymentRow & { leased: boolean };

const columns =
  'order_id, provider, method, amount, currency, wanted, state, reference, capture_reference, captured_amount, refusal, claim_id, retry';

/** Rows for orders that are new here, so that there is something to lock. */
export const makeRoom = {
  name: 'payments-make-room',
  text: `
  INSERT INTO payments (order_id)
  SELECT order_id FROM unnest($1::uuid[]) AS given(order_id) ORDER BY order_id
  ON CONFLICT DO NOTHING`,
};

/** In the order of ids everywhere. */
export const lock = {
  name: 'payments-lock',
  text: `
  SELECT p.*
    FROM (SELECT DISTINCT order_id FROM unnest($1::uuid[]) AS given(order_id) ORDER BY order_id) AS given
   CROSS JOIN LATERAL (
    SELECT ${columns}, leased_until > now() AS leased FROM payments WHERE order_id = given.order_id FOR UPDATE) AS p`,
};

/** Of rows that this transaction has locked: they stay where they are. */
export const write = {
  name: 'payments-write',
  text: `
  UPDATE payments p
     SET provider = c.provider, method = c.method, amount = c.amount, currency = c.currency,
         wanted = c.wanted, state = c.state, reference = c.reference, capture_reference = c.capture_reference,
         captured_amount = c.captured_amount, refusal = c.refusal, unsettled = c.unsettled,
         claim_id = c.claim_id, retry = c.retry,
         due_at = now(), updated_at = now(),
         attempts = CASE WHEN c.lease = 'keep' THEN p.attempts ELSE 0 END,
         leased_until = CASE c.lease WHEN 'take' THEN now() + ${lease} WHEN 'release' THEN '-infinity' ELSE p.leased_until END
    FROM jsonb_to_recordset($1::jsonb) AS c(
           order_id uuid, provider text, method text, amount bigint, currency text, wanted text, state text,
           reference text, capture_reference text, captured_amount bigint, refusal jsonb, claim_id uuid, retry integer,
           unsettled boolean, lease text)
   CROSS JOIN LATERAL (SELECT ctid AS place FROM payments WHERE order_id = c.order_id LIMIT 1) AS locked
   WHERE p.ctid = locked.place`,
};

export const enter = {
  name: 'ledger-enter',
  text: `
  INSERT INTO ledger (order_id, kind, amount, currency, source)
  SELECT order_id, kind, amount, currency, source
    FROM jsonb_to_recordset($1::jsonb) AS e(order_id uuid, kind text, amount bigint, currency text, source text)`,
};

export const rememberEvents = {
  name: 'webhook-events-remember',
  text: `
  INSERT INTO webhook_events (provider, event_id, order_id, type)
  SELECT provider, "eventId", "orderId", type
    FROM jsonb_to_recordset($1::jsonb) AS e(provider text, "eventId" text, "orderId" uuid, type text)
   ORDER BY provider, "eventId"
  ON CONFLICT DO NOTHING
  RETURNING provider, event_id`,
};

/** What a crash or an unreachable provider has left behind. */
export const takeAbandoned = {
  name: 'payments-take-abandoned',
  text: `
  WITH due AS MATERIALIZED (
    SELECT order_id AS due_id FROM payments
     WHERE unsettled AND due_at <= now() AND leased_until < now()
     ORDER BY due_at LIMIT $1
       FOR UPDATE SKIP LOCKED)
  UPDATE payments SET leased_until = now() + ${lease}, attempts = attempts + 1
    FROM due WHERE order_id = due_id
  RETURNING ${columns}`,
};

export const postpone = {
  name: 'payments-postpone',
  text: `UPDATE payments SET leased_until = '-infinity', due_at = now() + make_interval(secs => $2) WHERE order_id = $1`,
};

export const find = { name: 'payments-find', text: `SELECT ${columns} FROM payments WHERE order_id = $1` };

/** A payment nobody has asked for, as `makeRoom` would leave it. */
export const unasked = (orderId: string): LockedRow => ({
  order_id: orderId,
  provider: null,
  method: null,
  amount: '0',
  currency: 'XXX',
  wanted: 'nothing',
  state: 'none',
  reference: null,
  capture_reference: null,
  captured_amount: null,
  refusal: null,
  claim_id: null,
  retry: 0,
  leased: false,
});

export const toPayment = (row: PaymentRow): Payment => ({
  orderId: row.order_id,
  provider: row.provider,
  method: row.method,
  amount: Number(row.amount),
  currency: row.currency,
  wanted: row.wanted,
  state: row.state,
  reference: row.reference,
  captureReference: row.capture_reference,
  capturedAmount: row.captured_amount === null ? null : Number(row.captured_amount),
  refusal: row.refusal,
  claimId: row.claim_id,
  retry: row.retry,
});

export const toRow = (payment: Payment, leaseChange: Lease, unsettled: boolean): object => ({
  order_id: payment.orderId,
  provider: payment.provider,
  method: payment.method,
  amount: payment.amount,
  currency: payment.currency,
  wanted: payment.wanted,
  state: payment.state,
  reference: payment.reference,
  capture_reference: payment.captureReference,
  captured_amount: payment.capturedAmount,
  refusal: payment.refusal,
  claim_id: payment.claimId,
  retry: payment.retry,
  unsettled,
  lease: leaseChange,
});
