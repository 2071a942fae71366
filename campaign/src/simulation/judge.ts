/** Judges a world that has come to rest, from its rows and the provider's own accounts. */
import type { Message } from '@ballast/messaging';
import type { SagaDefinition, TransitionRule } from '@ballast/saga';
import type { CatalogTables } from './catalog.ts';
import type { CheckoutTables } from './checkout.ts';
import type { Told } from './customer.ts';
import type { OrderContext } from './domains.ts';
import type { Effects } from './effects.ts';
import type { OutboxTables } from './outbox-table.ts';
import type { PaymentTables } from './payments.ts';
import type { Provider } from './provider.ts';
import type { CommittedLine } from './saga-table.ts';
import type { ShopTables } from './shop.ts';

/** All that is left of a world. */
export interface Remains {
  definition: SagaDefinition<OrderContext>;
  shop: ShopTables;
  checkout: CheckoutTables;
  catalog: CatalogTables;
  payments: PaymentTables;
  provider: Provider;
  effects: Effects;
  told: readonly Told[];
  /** Messages that came to the broker. */
  arrived: ReadonlySet<string>;
  /** Orders about which a person has decided that they are settled by hand. */
  settledByHand: ReadonlySet<string>;
  deadLetters: readonly { message: Message; reason: string }[];
}

/** Everything that is wrong, in sentences that begin with the invariant's name. */
export function judge(remains: Remains): string[] {
  return [...orders(remains), ...sagas(remains), ...stock(remains), ...money(remains), ...messages(remains)];
}

/** What was told exists, one order and one voucher per key, and the same answer under a key for everybody. */
function orders({ told, checkout, shop }: Remains): string[] {
  const wrong: string[] = [];
  const answers = new Map<string, Told>();
  for (const each of told) {
    const { key, fingerprint, answer } = each;
    if (answer.status === 422) {
      // Also where that other request was then not begun after all: while it might have been, it had the key.
      if (!told.some((other) => other.key === key && other.fingerprint !== fingerprint))
        wrong.push(`idempotency: ${key} was refused as another request's, and there is no other`);
      continue;
    }
    if (answer.status >= 300) {
      wrong.push(`idempotency: ${key} was answered ${answer.status}`);
      continue;
    }
    const other = answers.get(key);
    answers.set(key, each);
    if (other !== undefined && other.fingerprint !== fingerprint)
      wrong.push(`idempotency: two different requests under ${key} were answered ${answer.status}`);
    if (other !== undefined && other.answer.orderId !== answer.orderId)
      wrong.push(`idempotency: ${key} was answered with ${other.answer.orderId} and with ${answer.orderId}`);
    const row = key.startsWith('voucher')
      ? shop.vouchers.rows.has(answer.orderId ?? '')
      : checkout.orders.rows.get(key)?.orderId === answer.orderId;
    if (!row) wrong.push(`orders: ${answer.orderId} was told under ${key} and does not exist`);
  }
  const vouchers = new Map<string, number>();
  for (const { key } of shop.vouchers.rows.values()) vouchers.set(key, (vouchers.get(key) ?? 0) + 1);
  for (const [key, count] of vouchers) if (count > 1) wrong.push(`idempotency: ${count} effects under ${key}`);
  for (const { orderId } of checkout.orders.rows.values())
    if (!checkout.sagas.sagas.rows.has(orderId)) wrong.push(`orders: ${orderId} has no saga`);
  return wrong;
}

/** Every saga has ended; its log has no gap, is in the definition, and leaves no final state. */
function sagas({ definition, checkout }: Remains): string[] {
  const wrong: string[] = [];
  const rules = rulesOf(definition);
  for (const { id, state, version } of checkout.sagas.sagas.rows.values()) {
    const lines = checkout.sagas.lines(id);
    const { final, waitsForPerson } = definition.states[state]!;
    if (final !== true && waitsForPerson !== true) wrong.push(`sagas: ${id} rests in ${state}`);
    if (lines.some((line, index) => line.seq !== index + 1) || lines.length !== version)
      wrong.push(`sagas: the log of ${id} has ${lines.map((line) => line.seq).join(' ')} at version ${version}`);
    if (lines.at(-1)?.to !== state) wrong.push(`sagas: the log of ${id} does not end in ${state}`);
    lines.forEach((line, index) => {
      if (!isInTable(line, lines[index - 1], definition, rules))
        wrong.push(`sagas: ${id} went from ${line.from} by ${line.event} to ${line.to}`);
    });
    // One message may make several lines, where something that had come early is applied with it: in one commit.
    const commits = new Map<string, number>();
    for (const { messageId, at } of lines) {
      if (messageId === null) continue;
      if ((commits.get(messageId) ?? at) !== at) wrong.push(`consumers: ${messageId} moved ${id} twice`);
      commits.set(messageId, at);
    }
  }
  return wrong;
}

const tables = new WeakMap<object, ReadonlyMap<string, TransitionRule>>();

/** Built once: tens of thousands of worlds run on one definition. */
function rulesOf(definition: SagaDefinition<OrderContext>): ReadonlyMap<string, TransitionRule> {
  let rules = tables.get(definition);
  if (rules === undefined) {
    rules = new Map(definition.rules.map((rule) => [`${rule.from} ${rule.on}`, rule]));
    tables.set(definition, rules);
  }
  return rules;
}

function isInTable(
  line: CommittedLine,
  before: CommittedLine | undefined,
  definition: SagaDefinition<OrderContext>,
  rules: ReadonlyMap<string, TransitionRule>,
): boolean {
  if (before === undefined)
    return line.from === null && line.event === definition.startEvent && line.to === definition.initial;
  if (line.from !== before.to) return false;
  if (line.from !== line.to && definition.states[line.from]?.final === true) return false;
  const rule = rules.get(`${line.from} ${line.event}`);
  if (rule === undefined || 'ignore' in rule) return false;
  if ('early' in rule) return line.to === line.from;
  return line.to === rule.to || (rule.settles !== undefined && line.to === line.from);
}

/** Pieces are conserved, and none is held for an order that has ended; an order is completed exactly if they are sold. */
function stock({ catalog, checkout }: Remains): string[] {
  const wrong: string[] = [];
  const held = new Map<string, { reserved: number; sold: number }>();
  for (const [orderId, { reservation }] of catalog.reservations.rows) {
    const state = checkout.sagas.sagas.rows.get(orderId)?.state;
    const settled = state === 'Completed' || state === 'Compensated';
    if (reservation.state === 'reserved' && settled) wrong.push(`stock: reserved for ${orderId}, which is ${state}`);
    if ((reservation.state === 'committed') !== (state === 'Completed'))
      wrong.push(`stock: ${reservation.state} for ${orderId}, which is ${state}`);
    if (!('lines' in reservation)) continue;
    for (const { productId, quantity } of reservation.lines) {
      const sum = held.get(productId) ?? { reserved: 0, sold: 0 };
      held.set(productId, sum);
      sum[reservation.state === 'reserved' ? 'reserved' : 'sold'] += quantity;
    }
  }
  for (const [id, { initial, onHand, reserved, sold }] of catalog.products.rows) {
    const sums = held.get(id) ?? { reserved: 0, sold: 0 };
    if (onHand < 0 || initial !== onHand + reserved + sold)
      wrong.push(`stock: ${id} has ${onHand} + ${reserved} + ${sold} of ${initial}`);
    if (sums.reserved !== reserved || sums.sold !== sold)
      wrong.push(
        `stock: ${id} has ${reserved} reserved and ${sold} sold, reservations say ${sums.reserved}, ${sums.sold}`,
      );
  }
  return wrong;
}

/** Captured less refunded is the total of a completed order, else nothing, by the provider's accounts and by ours. */
function money({ provider, payments, checkout, settledByHand }: Remains): string[] {
  const wrong: string[] = [];
  for (const { orderId, request } of checkout.orders.rows.values()) {
    const state = checkout.sagas.sagas.rows.get(orderId)?.state;
    if (state === 'RequiresReview') continue;
    const account = provider.accounts.get(orderId);
    const kept = account === undefined ? 0 : account.captured - account.refunded;
    const due = state === 'Completed' ? request.amount : 0;
    if (kept !== due && !settledByHand.has(orderId))
      wrong.push(`money: ${kept} of ${due} for ${orderId}, which is ${state}`);
    if ((account?.captured ?? 0) > request.amount) wrong.push(`money: ${account?.captured} captured for ${orderId}`);
    if (account?.state === 'authorized') wrong.push(`money: still held for ${orderId}, which is ${state}`);
    const booked = payments.ledger.get(orderId) ?? [];
    const sum = (kind: string): number =>
      booked.filter((entry) => entry.kind === kind).reduce((total, entry) => total + entry.amount, 0);
    if (sum('captured') - sum('refunded') !== kept)
      wrong.push(`money: booked ${sum('captured')} - ${sum('refunded')} for ${orderId}, the provider says ${kept}`);
  }
  return wrong;
}

/** Whatever was stored was told; whatever was told had its effect, once; nothing is left over. */
function messages({ checkout, catalog, payments, arrived, effects, deadLetters }: Remains): string[] {
  const wrong: string[] = [];
  const outboxes = { checkout: checkout.outbox, catalog: catalog.outbox, payments: payments.outbox };
  for (const [name, outbox] of Object.entries<OutboxTables>(outboxes)) {
    if (outbox.outbox.rows.size > 0) wrong.push(`outbox: ${outbox.outbox.rows.size} rows left at ${name}`);
    for (const stored of outbox.committed.values())
      for (const { id, type } of stored)
        if (!arrived.has(id)) wrong.push(`outbox: ${type} ${id} of ${name} was never told`);
  }
  for (const [key, count] of effects.counts) if (count > 1) wrong.push(`consumers: ${count} effects of ${key}`);
  const commands = { ReserveStock: 'catalog', ReleaseStock: 'catalog', CommitStock: 'catalog' } as Record<
    string,
    string
  >;
  for (const stored of checkout.outbox.committed.values()) {
    for (const { id, type } of stored) {
      const key = `${commands[type] ?? 'payments'}.commands ${id}`;
      if (!effects.counts.has(key)) wrong.push(`consumers: ${type} ${id} had no effect`);
    }
  }
  for (const { message, reason } of deadLetters) wrong.push(`dead letters: ${message.type} ${message.id}: ${reason}`);
  return wrong;
}
