// How a changing call is carried out, the same for both products: replay, conflict, delay, effect and
// journal in one step, webhooks, and only then the reply.

import { setTimeout as sleep } from 'node:timers/promises';
import type { IdempotencyRecord, IdempotencyStore } from './idempotency.ts';
import type { Journal } from './journal.ts';
import type { Behaviour } from './methods.ts';
import type { Entity, State } from './state.ts';
import type { Webhook, WebhookDelivery, WebhookDone } from './webhook-delivery.ts';

/** Anything a journal line may hold. */
export type JournalRecord = Entity | IdempotencyRecord | Webhook | WebhookDone;

/** What the API handlers work on. */
export type World = {
  state: State;
  journal: Journal<JournalRecord>;
  idempotency: IdempotencyStore;
  delivery: WebhookDelivery;
  delays: Record<NonNullable<Behaviour['authorizationDelay']>, number>;
  /** Aborted when the stand-in closes: ends the delays. */
  closing: AbortSignal;
};

/** An answer. `body` is JSON text, empty for none. */
export type Reply = { status: number; body: string; replayOf?: string };

/** What carrying out a call led to. */
export type Outcome = {
  status: number;
  /** Turned into JSON; undefined for an empty body. */
  body: unknown;
  changes?: Entity[];
  webhooks?: Webhook[];
  /** Whether the answer is kept for the idempotency key. */
  keep: boolean;
  /** Held-back webhooks of this payment may follow. */
  release?: string;
  /** The first of the webhooks is delivered before the reply. */
  webhookBeforeReply?: boolean;
  /** The effect stands and the answer is kept, but this reply is a 500. */
  loseReply?: boolean;
};

/** A call with its key; `key` is undefined if the caller gave none. */
export type Call = { key: string | undefined; fingerprint: string; requestId: string };

/** The ways a key can stand in the way; each product words them itself. */
export type Conflict = 'in_progress' | 'other_request';

/** The longest an API reply waits for a webhook that is to arrive before it. */
const WEBHOOK_BEFORE_REPLY_LIMIT = 3_000;

/** Carries out `run` once per key. Returns the reply, a conflict, or `lost` if the reply is to be a 500. */
export async function carryOut(
  world: World,
  call: Call,
  delay: number,
  run: () => Outcome,
): Promise<Reply | Conflict | 'lost'> {
  const { key, fingerprint } = call;
  if (key !== undefined) {
    const known = world.idempotency.find(key);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) return 'other_request';
      await world.journal.settled();
      return { status: known.status, body: known.body, replayOf: known.requestId };
    }
    if (world.idempotency.isBusy(key)) return 'in_progress';
  }
  const done = key === undefined ? undefined : world.idempotency.begin(key);
  try {
    if (delay > 0 && !(await slept(delay, world.closing))) return 'in_progress';
    const outcome = run();
    const body = outcome.body === undefined ? '' : JSON.stringify(outcome.body);
    await commit(world, call, outcome, body);
    if (outcome.release !== undefined) world.delivery.release(outcome.release);
    if (outcome.webhookBeforeReply === true) await deliverFirst(world, outcome.webhooks ?? []);
    return outcome.loseReply === true ? 'lost' : { status: outcome.status, body };
  } finally {
    done?.();
  }
}

/** False if the stand-in is closing: nothing has happened yet, and the caller may ask again. */
async function slept(delay: number, closing: AbortSignal): Promise<boolean> {
  try {
    await sleep(delay, undefined, { signal: closing });
    return true;
  } catch (error) {
    if (closing.aborted) return false;
    throw error;
  }
}

/** Effect, kept answer and webhooks: in memory at once, in the journal on one line. */
async function commit(world: World, call: Call, outcome: Outcome, body: string): Promise<void> {
  const records: JournalRecord[] = [...(outcome.changes ?? [])];
  for (const change of outcome.changes ?? []) world.state.apply(change);
  if (call.key !== undefined && outcome.keep) {
    const record: IdempotencyRecord = {
      kind: 'idempotency',
      key: call.key,
      fingerprint: call.fingerprint,
      status: outcome.status,
      body,
      requestId: call.requestId,
      at: Date.now(),
    };
    world.idempotency.apply(record);
    records.push(record);
  }
  const webhooks = outcome.webhooks ?? [];
  records.push(...webhooks);
  if (records.length > 0) await world.journal.append(records);
  // Only what is journalled is told.
  for (const webhook of webhooks) world.delivery.apply(webhook);
}

async function deliverFirst(world: World, webhooks: Webhook[]): Promise<void> {
  const [first] = webhooks;
  if (first === undefined) return;
  const limit = new AbortController();
  await Promise.race([
    world.delivery.deliverNow(first.id),
    sleep(WEBHOOK_BEFORE_REPLY_LIMIT, undefined, { signal: limit.signal }).catch(() => undefined),
  ]);
  limit.abort();
}

/** A method's behaviour turned into the deliveries of one event. */
export function deliveriesOf(
  provider: Webhook['provider'],
  eventId: string,
  body: unknown,
  behaviour: Behaviour,
  heldFor: string | null = null,
): Webhook[] {
  if (behaviour.withoutWebhooks === true) return [];
  const now = Date.now();
  const copies = behaviour.webhookCopies ?? 1;
  const text = JSON.stringify(body);
  return Array.from({ length: copies }, (_, index) => ({
    kind: 'webhook',
    id: `${eventId}#${index + 1}`,
    provider,
    body: text,
    // The last copy comes late, when the first have long been dealt with.
    dueAt: now + (heldFor === null ? 0 : HELD_BACK) + (index > 1 ? 500 : 0),
    heldFor,
  }));
}

/** How long a held-back webhook waits at most, in milliseconds. */
const HELD_BACK = 10_000;
