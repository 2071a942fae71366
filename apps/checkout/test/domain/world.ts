/**
 * Models of catalog, payments and the wire, small enough to try every interleaving. They follow what the two services
 * document; the wire may deliver in any order, and whoever answers a command may answer it either way.
 */
import type { MessageBody } from '@ballast/contracts';
import { advance, begin, type Instance, type SagaDefinition } from '@ballast/saga';

/** How often the operator asks for the refund again in the model; the third refusal is as the second. */
const maximumRetries = 2;

/** One configuration of the whole: the saga, the two services, what is in the air. */
export interface World {
  saga: {
    state: string;
    owed: readonly string[];
    early: readonly string[];
    /** Which try at the refund the saga's `CancelPayment` speaks of. */
    retry: number;
  };
  stock: 'none' | 'reserved' | 'rejected' | 'released' | 'committed';
  payment: {
    wanted: 'nothing' | 'authorized' | 'captured' | 'cancelled';
    state: 'none' | 'authorized' | 'captured' | 'voided' | 'refunded' | 'declined';
    asked: boolean;
    captureRefused: boolean;
    refundRefused: boolean;
    /** The highest retry that was tried. */
    retry: number;
  };
  /**
   * Types of messages under way, each at most once: a second of a kind changes nothing (inbox, idempotent answers).
   * `CancelPayment` has the number of its retry behind it.
   */
  air: readonly string[];
  /** An operator has said that the money went back outside. */
  settledByHand: boolean;
  /** Catalog was told to release what it had sold. */
  soldAndReleased: boolean;
}

type Change = Partial<Omit<World, 'air'>> & { say?: string[]; hear?: string };

const apply = (world: World, { say = [], hear, ...change }: Change): World => ({
  ...world,
  ...change,
  air: [...new Set([...world.air.filter((type) => type !== hear), ...say])].toSorted(),
});

function catalog(world: World, command: string): Change[] {
  const { stock } = world;
  switch (command) {
    case 'ReserveStock':
      if (stock === 'none')
        return [
          { stock: 'reserved', say: ['StockReserved'] },
          { stock: 'rejected', say: ['StockRejected'] },
        ];
      return [{ say: [stock === 'reserved' || stock === 'committed' ? 'StockReserved' : 'StockRejected'] }];
    case 'ReleaseStock':
      return stock === 'committed' ? [{ soldAndReleased: true }] : [{ stock: 'released', say: ['StockReleased'] }];
    case 'CommitStock':
      return stock === 'reserved' || stock === 'committed'
        ? [{ stock: 'committed', say: ['StockCommitted'] }]
        : [{ say: ['StockCommitRejected'] }];
    default:
      return [];
  }
}

/** What is told when a payment's state answers what is wanted. */
function told({ wanted, state, captureRefused, refundRefused }: World['payment']): string[] {
  if (wanted === 'cancelled') {
    if (refundRefused) return ['PaymentCancelRefused'];
    return state === 'voided' || state === 'refunded' || state === 'declined' ? ['PaymentCancelled'] : [];
  }
  if (state === 'declined') return ['PaymentDeclined'];
  // A payment captured before it was asked for is told all the same.
  if (state === 'captured') return ['PaymentCaptured'];
  if (wanted === 'captured') return captureRefused ? ['CaptureRefused'] : [];
  return wanted === 'authorized' && state === 'authorized' ? ['PaymentAuthorized'] : [];
}

function payments(world: World, command: string): Change[] {
  const { payment } = world;
  const become = (next: World['payment']): Change[] => [{ payment: next, say: told(next) }];
  const [type, number] = command.split(' ');
  switch (type) {
    case 'AuthorizePayment':
      if (payment.wanted === 'cancelled') return [{ say: ['PaymentDeclined'] }];
      return payment.asked ? [{ say: told(payment) }] : become({ ...payment, asked: true, wanted: 'authorized' });
    case 'CapturePayment':
      return payment.wanted === 'cancelled'
        ? [{ say: ['CaptureRefused'] }]
        : become({ ...payment, wanted: 'captured' });
    case 'CancelPayment': {
      const again = payment.refundRefused && Number(number) > payment.retry;
      return become({
        ...payment,
        wanted: 'cancelled',
        state: payment.asked ? payment.state : 'voided',
        ...(again ? { refundRefused: false, retry: Number(number) } : {}),
      });
    }
    default:
      return [];
  }
}

/** What the provider may do by itself or because payments asks it to. */
function provider({ payment }: World): Change[] {
  const become = (change: Partial<World['payment']>): Change => {
    const next = { ...payment, ...change };
    return { payment: next, say: told(next) };
  };
  const { asked, wanted, state, captureRefused, refundRefused } = payment;
  if (!asked) return [];
  if (state === 'none')
    return [become({ state: 'authorized' }), become({ state: 'declined' }), become({ state: 'captured' })];
  if (state === 'authorized' && wanted === 'cancelled')
    return [become({ state: 'voided' }), become({ state: 'captured' })];
  if (state === 'authorized' && wanted === 'captured' && !captureRefused)
    return [become({ state: 'captured' }), become({ captureRefused: true })];
  if (state === 'captured' && wanted === 'cancelled' && !refundRefused)
    return [become({ state: 'refunded' }), become({ refundRefused: true })];
  return [];
}

function successors<Context extends { retry?: number }>(
  definition: SagaDefinition<Context>,
  context: Context,
  world: World,
  used: (move: string) => void,
): World[] {
  const next: World[] = [];
  const decide = (event: string, { hear, settledByHand = world.settledByHand }: Partial<World> & Change = {}): void => {
    const { state, owed, early, retry } = world.saga;
    const instance: Instance<Context> = {
      id: 'order',
      state,
      version: 1,
      context: retry === 0 ? context : { ...context, retry },
      owed,
      early: early.map((name) => ({ event: name, body: {} })),
    };
    const step = advance(definition, instance, { event, body: {} });
    if (step === null) {
      if (hear !== undefined) next.push(apply(world, { hear }));
      return;
    }
    for (const line of step.transitions) used(`${line.from} ${line.event}`);
    const saga = {
      state: step.instance.state,
      owed: step.instance.owed.toSorted(),
      early: step.instance.early.map((kept) => kept.event),
      retry: step.instance.context.retry ?? 0,
    };
    const say = step.commands.map((type) => asSaid(type, definition.commands[type]!('order', step.instance.context)));
    next.push(apply(world, { saga, say, settledByHand, ...(hear === undefined ? {} : { hear }) }));
  };
  for (const type of world.air) {
    const answers = [...catalog(world, type), ...payments(world, type)];
    if (answers.length > 0) for (const change of answers) next.push(apply(world, { ...change, hear: type }));
    else decide(type, { hear: type });
  }
  for (const change of provider(world)) next.push(apply(world, change));
  // The reservation may run out, and the saga's deadline may pass, whenever there is one.
  if (world.stock === 'reserved') next.push(apply(world, { stock: 'released', say: ['StockReleased'] }));
  const deadline = definition.states[world.saga.state]!.deadline;
  if (deadline !== undefined) decide(deadline.event);
  if (definition.states[world.saga.state]!.waitsForPerson === true) {
    if (world.saga.retry < maximumRetries) decide('RefundRetried');
    decide('SettledByHand', { settledByHand: true });
  }
  return next;
}

const asSaid = (type: string, body: object): string =>
  type === 'CancelPayment' ? `${type} ${(body as MessageBody<'CancelPayment'>).retry ?? 0}` : type;

/** Tries everything; returns all configurations, those in which all is quiet, and those that cannot get there. */
export function explore<Context extends { retry?: number }>(definition: SagaDefinition<Context>, context: Context) {
  const first = begin(definition, 'order', context);
  const start: World = {
    saga: { state: first.instance.state, owed: [], early: [], retry: 0 },
    stock: 'none',
    payment: { wanted: 'nothing', state: 'none', asked: false, captureRefused: false, refundRefused: false, retry: 0 },
    air: first.commands.toSorted(),
    settledByHand: false,
    soldAndReleased: false,
  };
  const keyOf = (world: World): string => JSON.stringify(world);
  const worlds = new Map([[keyOf(start), start]]);
  const cameFrom = new Map<string, Set<string>>();
  const transitions: string[] = [];
  for (const [key, world] of worlds) {
    for (const next of successors(definition, context, world, (move) => transitions.push(move))) {
      const nextKey = keyOf(next);
      if (!worlds.has(nextKey)) worlds.set(nextKey, next);
      const sources = cameFrom.get(nextKey) ?? new Set();
      cameFrom.set(nextKey, sources.add(key));
    }
  }
  const rests = ({ saga: { state } }: World): boolean =>
    definition.states[state]!.final === true || definition.states[state]!.waitsForPerson === true;
  const quiet = [...worlds].filter(
    ([, world]) => world.air.length === 0 && rests(world) && provider(world).length === 0,
  );
  // Where a person is waited for is no dead end either.
  const canEnd = new Set(
    quiet.filter(([, world]) => definition.states[world.saga.state]!.final === true).map(([key]) => key),
  );
  for (const key of canEnd) for (const source of cameFrom.get(key) ?? []) canEnd.add(source);
  return {
    reached: [...worlds.values()],
    ends: quiet.map(([, world]) => world),
    stuck: [...worlds].filter(([key]) => !canEnd.has(key)).map(([, world]) => world),
    transitions,
  };
}
