/**
 * Guarantee 9: a webhook is answered 2xx only after its commit; duplicates and any order give one ledger effect; a late
 * event never moves a payment back; a wrong amount never completes an order.
 *
 * Real payments at both providers, and the webhooks those send about them, each delivered several times, at once, in
 * random order, a quarter of them only when all is long over, to a payments process that is killed in between. What is
 * not answered 2xx is sent again, as providers do. Then the rows and the provider's own ledger say what came of it.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { PaymentProviderName } from '@ballast/contracts';
import { createMessage, type Message } from '@ballast/messaging';
import type { GuaranteeReport } from './report.ts';
import { forgedCapture, openWebhookBench, type WebhookBench } from './webhook-bench.ts';
import { Post, type Delivering } from './webhook-post.ts';

export interface WebhooksSize extends Delivering {
  /** Real webhooks, each another event; those of wrong amounts come on top. */
  webhooks: number;
  /** Defects to plant in payments, comma separated. */
  defects?: string;
}

/** What is promised, in the size that it is promised for. Takes about a minute on two cores. */
export const fullSize: WebhooksSize = { webhooks: 2_000, copies: 3, kills: 10, concurrency: 24, seed: 1 };

const amount = 1_250;
const currency = 'EUR';

/** What becomes of a payment; `webhooks` are the provider's, `last` is the event after which no more is told. */
const kinds = {
  kept: { webhooks: 2, last: 'PaymentCaptured', state: 'captured' },
  refunded: { webhooks: 3, last: 'PaymentCancelled', state: 'refunded' },
  voided: { webhooks: 2, last: 'PaymentCancelled', state: 'voided' },
  /** Captured rightly; the provider's webhook speaks of another amount. */
  toldWrongly: { webhooks: 2, last: 'PaymentCaptured', state: 'captured' },
  /** Held and never captured; a signed webhook says that it was, with another amount. */
  forged: { webhooks: 1, last: 'PaymentAuthorized', state: 'authorized' },
} as const;
type Kind = keyof typeof kinds;
/** Signed lies about each forged order. */
const forgeries = 2;

interface Order {
  orderId: string;
  kind: Kind;
  provider: PaymentProviderName;
  method: string;
  /** Events told of it; a message that comes again counts once. */
  told: Map<string, string>;
}

/** How a payment's state may move; a move that is not here is a move back. */
const forward = new Set([
  'none > authorized',
  'none > captured',
  'none > voided',
  'none > declined',
  'authorized > captured',
  'authorized > voided',
  'voided > captured',
  'declined > captured',
  'captured > refunded',
]);

/** Payments on their way at a time. */
const ordersAtOnce = 64;
/** How long all payments may take to their end, in ms, after what came before. */
const patienceMs = 60_000;
/** Violations of one kind that are told. */
const mostTold = 5;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs it and judges it; needs PostgreSQL and RabbitMQ (TEST_…_URL). Whatever it starts is gone at the end. */
export async function checkWebhooks(size: WebhooksSize): Promise<GuaranteeReport> {
  const post = new Post(size);
  const bench = await openWebhookBench({ defects: size.defects ?? '', sent: (webhook) => post.take(webhook) });
  const startedAt = performance.now();
  try {
    const orders = makeOrders(size);
    const wrong = orders.filter(({ kind }) => kind === 'forged' || kind === 'toldWrongly');
    post.open(bench, {
      webhooks: orders.reduce((sum, { kind }) => sum + kinds[kind].webhooks + (kind === 'forged' ? forgeries : 0), 0),
      wrongOrders: wrong.map(({ orderId }) => orderId),
    });
    const killing = post.killOnTheWay();
    const missing = [...(await play(bench, orders, post)), ...(await post.finish(killing))];
    await settle(bench, post);
    const violations = [...missing, ...post.violations(), ...(await judge(bench, orders, post))];
    const figures = {
      ...post.figures(),
      orders: orders.length,
      effectsByWebhook: await count(bench, `SELECT FROM ledger WHERE source = 'webhook'`),
      effects: await count(bench, 'SELECT FROM ledger'),
      seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    };
    return { figures, violations: [...violations, ...hollow(figures, size)] };
  } finally {
    await post.close();
    await bench.close();
  }
}

function makeOrders({ webhooks }: WebhooksSize): Order[] {
  const make = (kind: Kind, index: number): Order => {
    // Amounts are falsified in Stripe's name: its signature needs nothing but the secret.
    const stripe = index % 2 === 0 || kind === 'forged' || kind === 'toldWrongly';
    let method = stripe ? 'pm_card_visa' : 'paypal_approve';
    // The reply to the capture is lost the first time: the webhook tells it first.
    if (kind === 'kept' && index % 8 < 2)
      method = stripe ? 'pm_standin_error_after_capture' : 'paypal_standin_error_after_capture';
    if (kind === 'toldWrongly') method = 'pm_standin_capture_wrong_amount';
    return { orderId: randomUUIDv7(), kind, provider: stripe ? 'stripe' : 'paypal', method, told: new Map() };
  };
  const rightly = (['kept', 'refunded', 'kept', 'voided'] as const).flatMap((kind) => [kind, kind]);
  const orders: Order[] = [];
  for (let sent = 0, index = 0; sent < webhooks; index += 1) {
    const order = make(rightly[index % rightly.length]!, index);
    sent += kinds[order.kind].webhooks;
    orders.push(order);
  }
  const wrongly = Math.max(2, Math.round(orders.length / 20));
  for (let index = 0; index < wrongly; index += 1) orders.push(make('forged', index), make('toldWrongly', index));
  return orders;
}

/** Says what checkout would, until all payments are where they are to end. Resolves to what did not get there. */
async function play(bench: WebhookBench, orders: readonly Order[], post: Post): Promise<string[]> {
  const { peer } = bench;
  const byId = new Map(orders.map((order) => [order.orderId, order]));
  const begin = (order: Order): Message[] => {
    const { orderId, kind, provider, method } = order;
    const body = { orderId, provider, method, amount, currency };
    const hold = createMessage({ type: 'AuthorizePayment', correlationId: orderId, body });
    const take = createMessage({ type: 'CapturePayment', correlationId: orderId, body: { orderId } });
    return kind === 'voided' || kind === 'forged' ? [hold] : [hold, take];
  };
  let begun = 0;
  let seen = 0;
  let deadline = performance.now() + patienceMs;
  const waiting = new Set<Order>();
  while ((begun < orders.length || waiting.size > 0) && performance.now() < deadline && !post.hopeless) {
    const more = orders.slice(begun, begun + ordersAtOnce - waiting.size);
    begun += more.length;
    for (const order of more) waiting.add(order);
    await peer.say(...more.flatMap(begin));
    const heard = peer.heard().slice(seen);
    seen += heard.length;
    // It is a mesh under faults: as long as something is told, it moves.
    if (heard.length > 0) deadline = performance.now() + patienceMs;
    // What has moved back may never come to its end.
    else if (await hasMovedBack(bench)) post.giveUp();
    for (const message of heard) {
      const order = byId.get(message.correlationId);
      if (order === undefined || order.told.has(message.id)) continue;
      order.told.set(message.id, message.type);
      await answer(peer, order, message, post);
      if (message.type === kinds[order.kind].last) waiting.delete(order);
    }
    await pause(20);
  }
  return [...waiting].slice(0, mostTold).map(({ orderId, kind }) => `every payment ends: ${orderId} (${kind}) did not`);
}

async function answer(
  peer: WebhookBench['peer'],
  { orderId, kind }: Order,
  { type }: Message,
  post: Post,
): Promise<void> {
  const undo =
    (kind === 'refunded' && type === 'PaymentCaptured') || (kind === 'voided' && type === 'PaymentAuthorized');
  if (undo) await peer.say(createMessage({ type: 'CancelPayment', correlationId: orderId, body: { orderId } }));
  if (kind === 'forged' && type === 'PaymentAuthorized') {
    post.take(forgedCapture(orderId, amount + 1, currency));
    post.take(forgedCapture(orderId, amount, 'USD'));
  }
}

const movesBack = async ({ database }: WebhookBench): Promise<{ order_id: string; move: string }[]> =>
  await database.database.query('SELECT order_id, move FROM moves WHERE move <> ALL ($1) ORDER BY id', [[...forward]]);

const hasMovedBack = async (bench: WebhookBench): Promise<boolean> => (await movesBack(bench)).length > 0;

/** Until nothing is left to do; no use in waiting where something has gone wrong for good. */
async function settle(bench: WebhookBench, post: Post): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!post.hopeless && performance.now() < deadline) {
    if ((await count(bench, 'SELECT FROM payments WHERE unsettled')) === 0) return;
    if (await hasMovedBack(bench)) return;
    await pause(50);
  }
}

const count = async ({ database }: WebhookBench, query: string): Promise<number> =>
  (await database.database.query(query)).length;

/** What the rows and the provider's ledger say. */
async function judge(bench: WebhookBench, orders: readonly Order[], post: Post): Promise<string[]> {
  const { database } = bench.database;
  const found = new Map<string, string[]>();
  const report = (promise: string, detail: string): void => {
    const list = found.get(promise) ?? [];
    found.set(promise, [...list, `${promise}: ${detail}`].slice(0, mostTold));
  };
  const remembered = new Set(
    (await database.query<{ event_id: string }>('SELECT event_id FROM webhook_events')).map((row) => row.event_id),
  );
  for (const id of post.acknowledged())
    if (!remembered.has(id)) report('what was answered 2xx is remembered', `${id} is not`);

  for (const { order_id, move } of await movesBack(bench)) report('nothing moves back', `${order_id} went ${move}`);

  const rows = await database.query<{ order_id: string; state: string; captured: number; refunded: number }>(
    `SELECT p.order_id, p.state, coalesce(sum(l.amount) FILTER (WHERE l.kind = 'captured'), 0)::int AS captured,
            coalesce(sum(l.amount) FILTER (WHERE l.kind = 'refunded'), 0)::int AS refunded
       FROM payments p LEFT JOIN ledger l USING (order_id) GROUP BY p.order_id`,
  );
  const own = new Map(rows.map((row) => [row.order_id, row]));
  const witness = new Map((await bench.witness()).map((line) => [line.orderId, line]));
  for (const { orderId, kind, told } of orders) {
    const [ours, theirs] = [own.get(orderId), witness.get(orderId)];
    const { state } = kinds[kind];
    if (ours?.state !== state) report('every payment ends where it should', `${orderId} (${kind}) is ${ours?.state}`);
    const sums = (line: { captured: number; refunded: number } | undefined): string =>
      `${line?.captured ?? 0} taken, ${line?.refunded ?? 0} given back`;
    if (sums(ours) !== sums(theirs))
      report('one ledger effect each, as at the provider', `${orderId}: ${sums(ours)}; there ${sums(theirs)}`);
    const types = [...told.values()];
    if (kind === 'forged' && types.includes('PaymentCaptured'))
      report('a wrong amount never completes an order', `${orderId} was told to be paid`);
    const doubled = types.find((type, index) => types.indexOf(type) !== index);
    if (doubled !== undefined) report('told once', `${doubled} of ${orderId}`);
  }
  return [...found.values()].flat();
}

/** A run without what it is about proves nothing. */
function hollow(figures: Record<string, number>, size: WebhooksSize): string[] {
  const lacking = [
    (figures['webhooks'] ?? 0) < size.webhooks ? 'fewer webhooks than asked for' : null,
    (figures['kills'] ?? 0) < size.kills ? 'fewer kills than asked for' : null,
    ...['duplicates', 'late', 'effectsByWebhook', 'wrongAmountsRefused'].map((name) =>
      (figures[name] ?? 0) === 0 ? `no ${name}` : null,
    ),
  ];
  return lacking.filter((reason) => reason !== null).map((reason) => `hollow run: ${reason}`);
}
