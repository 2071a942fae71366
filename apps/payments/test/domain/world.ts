/**
 * Every way a payment can go: a model of the provider around the domain's functions, small enough to try all orders of
 * commands, replies and webhooks, each of them also late and again.
 */
import {
  applyCommand,
  applyFact,
  idempotencyKey,
  nextStep,
  type Change,
  type Fact,
  type Payment,
  type PaymentCommand,
  type PaymentState,
} from '../../src/domain/payment.ts';

export const orderId = '0199a2f4-0000-7000-8000-000000000001';
export const amount = 100;
export const currency = 'EUR';

/** A row as `makeRoom` leaves it. */
export const unknownPayment: Payment = {
  orderId,
  provider: null,
  method: null,
  amount: 0,
  currency: 'XXX',
  wanted: 'nothing',
  state: 'none',
  reference: null,
  captureReference: null,
  capturedAmount: null,
  refusal: null,
  claimId: null,
  retry: 0,
};

export const claimId = '0199a2f4-0000-7000-8000-00000000000a';
export const otherClaimId = '0199a2f4-0000-7000-8000-00000000000b';

export const commands: Record<
  'authorize' | 'capture' | 'cancel' | 'cancelAgain' | 'refund' | 'refundAgain' | 'refundOther',
  PaymentCommand
> = {
  authorize: {
    type: 'AuthorizePayment',
    body: { orderId, provider: 'stripe', method: 'pm_card_visa', amount, currency },
  },
  capture: { type: 'CapturePayment', body: { orderId } },
  cancel: { type: 'CancelPayment', body: { orderId } },
  cancelAgain: { type: 'CancelPayment', body: { orderId, retry: 1 } },
  refund: { type: 'RefundPayment', body: { orderId, claimId } },
  refundAgain: { type: 'RefundPayment', body: { orderId, claimId, retry: 1 } },
  refundOther: { type: 'RefundPayment', body: { orderId, claimId: otherClaimId } },
};

export const facts = {
  authorized: { kind: 'authorized', reference: 'pi', amount, currency },
  captured: { kind: 'captured', reference: 'pi', captureReference: 'ch', amount, currency },
  capturedWrongly: { kind: 'captured', reference: 'pi', captureReference: 'ch', amount: amount + 1, currency },
  voided: { kind: 'voided' },
  refunded: { kind: 'refunded', amount, currency },
  declined: { kind: 'refused', refusal: { step: 'authorize', code: 'declined', detail: 'No.' } },
  captureRefused: { kind: 'refused', refusal: { step: 'capture', code: 'declined', detail: 'No.' } },
  refundRefused: { kind: 'refused', refusal: { step: 'refund', code: 'disputed', detail: 'No.' } },
  refundRefusedAgain: { kind: 'refused', refusal: { step: 'refund', code: 'disputed', detail: 'No.', retry: 1 } },
} as const satisfies Record<string, Fact>;
type FactName = keyof typeof facts;

/** Where the money really is. */
export interface Money {
  held: 'never' | 'held' | 'let go' | 'declined' | 'taken';
  /** How much was taken, 0 while nothing was. */
  taken: number;
  refunded: boolean;
  captureRefused: boolean;
  /** Idempotency keys under which a refund was refused; asked again under one, the provider says the same. */
  refundsRefused: readonly string[];
}

/** One configuration. What has been said can be heard at any time from then on, and again. */
export interface World {
  payment: Payment;
  money: Money;
  said: readonly FactName[];
  commanded: readonly (keyof typeof commands)[];
  /** Kinds of ledger entries; one of a kind twice would break the ledger's key. */
  ledger: readonly string[];
  /** Types of events told so far; those to claims with the claim's last letter. */
  told: readonly string[];
}

/** A move, and what it did. */
export interface Move {
  name: string;
  from: World;
  to: World;
  change: Change | null;
}

const add = <Item extends string>(list: readonly Item[], ...items: Item[]): Item[] =>
  [...new Set([...list, ...items])].toSorted();

const hear = (world: World, change: Change): World => ({
  ...world,
  payment: change.payment,
  ledger: [...world.ledger, ...change.ledger.map((entry) => entry.kind)].toSorted(),
  told: add(
    world.told,
    ...change.events.map(({ type, body }) => ('claimId' in body ? `${type} ${body.claimId.at(-1)}` : type)),
  ),
});

/** What a call may lead to. Calls carry idempotency keys: asked again, the provider says the same again. */
function call(world: World): [Partial<Money>, FactName][] {
  const { held, taken, captureRefused, refundsRefused, refunded } = world.money;
  const takenFact: FactName = taken === amount ? 'captured' : 'capturedWrongly';
  switch (nextStep(world.payment)) {
    case 'authorize':
      if (held === 'never')
        return [
          [{ held: 'held' }, 'authorized'],
          [{ held: 'declined' }, 'declined'],
        ];
      return [[{}, world.said.includes('declined') ? 'declined' : 'authorized']];
    case 'capture':
      if (taken > 0) return [[{}, takenFact]];
      if (held !== 'held' || captureRefused) return [[{ captureRefused: true }, 'captureRefused']];
      return [
        [{ held: 'taken', taken: amount }, 'captured'],
        [{ held: 'taken', taken: amount + 1 }, 'capturedWrongly'],
        [{ captureRefused: true }, 'captureRefused'],
      ];
    case 'void':
      if (taken > 0) return [[{}, takenFact]];
      // The bank may have taken it in the same moment.
      return [[{ held: 'let go' }, 'voided'], ...(held === 'held' ? [late] : [])];
    case 'refund': {
      if (refunded) return [[{}, 'refunded']];
      const refused = world.payment.retry === 0 ? 'refundRefused' : 'refundRefusedAgain';
      const key = idempotencyKey(world.payment, 'refund');
      if (refundsRefused.includes(key)) return [[{}, refused]];
      return [
        [{ refunded: true }, 'refunded'],
        [{ refundsRefused: add(refundsRefused, key) }, refused],
      ];
    }
    case null:
      return [];
  }
}
const late: [Partial<Money>, FactName] = [{ held: 'taken', taken: amount }, 'captured'];

/** All that can happen next. */
function moves(world: World): Move[] {
  const found: Move[] = [];
  for (const [name, command] of Object.entries(commands) as [keyof typeof commands, PaymentCommand][]) {
    // Claims grants again only what it was told was refused; without this there would be three times as many worlds.
    if (name === 'refundAgain' && !world.told.includes('RefundRefused a')) continue;
    const change = applyCommand(world.payment, command);
    const to = { ...hear(world, change), commanded: add(world.commanded, name) };
    found.push({ name, from: world, to, change });
  }
  for (const name of world.said) {
    const change = applyFact(world.payment, facts[name]);
    found.push({ name: `hears ${name}`, from: world, to: hear(world, change), change });
  }
  const act = (name: string, [money, fact]: [Partial<Money>, FactName]): void => {
    const to = { ...world, money: { ...world.money, ...money }, said: add(world.said, fact) };
    found.push({ name, from: world, to, change: null });
  };
  for (const result of call(world)) act(`calls: ${result[1]}`, result);
  // Against all rules, money is taken for a payment that was declined or let go.
  if ((world.money.held === 'declined' || world.money.held === 'let go') && world.money.taken === 0) {
    act('takes late', late);
  }
  // Somebody at the provider gives it back by hand.
  if (world.money.taken === amount && !world.money.refunded) act('gives back', [{ refunded: true }, 'refunded']);
  return found;
}

const start: World = {
  payment: unknownPayment,
  money: { held: 'never', taken: 0, refunded: false, captureRefused: false, refundsRefused: [] },
  said: [],
  commanded: [],
  ledger: [],
  told: [],
};

/** Tries everything. `quiet` are the worlds in which all that was said has been heard and nothing is left to do. */
export function explore(): { worlds: World[]; moves: Move[]; quiet: World[] } {
  const worlds = new Map([[JSON.stringify(start), start]]);
  const made: Move[] = [];
  for (const [, world] of worlds) {
    for (const move of moves(world)) {
      made.push(move);
      const key = JSON.stringify(move.to);
      if (!worlds.has(key)) worlds.set(key, move.to);
    }
  }
  const all = [...worlds.values()];
  const isQuiet = (world: World): boolean =>
    nextStep(world.payment) === null &&
    world.said.every(
      (name) => JSON.stringify(applyFact(world.payment, facts[name]).payment) === JSON.stringify(world.payment),
    );
  return { worlds: all, moves: made, quiet: all.filter(isQuiet) };
}

/** How a payment's state may move; nothing else ever may. */
export const forward: Record<PaymentState, readonly PaymentState[]> = {
  none: ['authorized', 'captured', 'voided', 'declined'],
  authorized: ['captured', 'voided'],
  voided: ['captured'],
  declined: ['captured'],
  captured: ['refunded'],
  refunded: [],
};
