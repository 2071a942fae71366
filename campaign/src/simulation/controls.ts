/**
 * Negative controls: what the simulation must find when it is there. Each leaves out the very thing that keeps a promise,
 * in the libraries themselves (`defect('…')` there), in what PostgreSQL does for them (`simulation.…`, in the tables of
 * this folder), or in the saga's table.
 */
import type { SagaDefinition, TransitionRule } from '@ballast/saga';
import { placeOrder, type OrderContext } from './domains.ts';

export interface Control {
  name: string;
  /** What is left out. */
  leavesOut: string;
  /** How a violation that belongs to it begins. */
  finds: RegExp;
  /** Set for controls that are another saga; the others are planted by their name. */
  definition?: SagaDefinition<OrderContext>;
  /** The first seed tried, where it takes a rare world: what is known to show it is tried early. */
  from?: number;
  /** Worlds of which at least one must show it. */
  within: number;
}

const changed = (change: (rule: TransitionRule) => TransitionRule): SagaDefinition<OrderContext> => ({
  ...placeOrder,
  rules: placeOrder.rules.map(change),
});

/** Nothing is asked back when an order is given up: it just ends. */
const withoutCompensation = changed((rule) => {
  if (!('to' in rule) || rule.undo === undefined || rule.to !== 'Compensating' || rule.from === 'Compensating')
    return rule;
  return { from: rule.from, on: rule.on, to: 'Compensated', kind: 'failure' };
});

export const controls: readonly Control[] = [
  {
    name: 'outbox.no-inbox',
    leavesOut: 'remembering which messages had their effect',
    finds: /^consumers: \d+ effects of/,
    within: 200,
  },
  {
    name: 'outbox.delete-before-confirm',
    leavesOut: 'waiting for the confirm before a row goes',
    finds: /^outbox: .* was never told/,
    within: 200,
  },
  {
    name: 'simulation.outbox-overtakes',
    leavesOut: 'holding rows back behind an older one of their aggregate',
    finds: /^outbox: .* was told before/,
    from: 300,
    within: 1_000,
  },
  {
    name: 'simulation.no-version-guard',
    leavesOut: 'the version in the WHERE of a transition, and the key of the log',
    finds: /^sagas: the log of/,
    within: 1_000,
  },
  {
    name: 'saga.conflict-unnoticed',
    leavesOut: 'looking whether a transition was stored: what was guessed is believed',
    finds: /^consumers: .* was acknowledged and did nothing/,
    within: 1_000,
  },
  {
    name: 'saga.no-memory',
    leavesOut: 'looking a message up in the log',
    finds: /^consumers: .* moved .* twice/,
    within: 1_000,
  },
  {
    name: 'simulation.acknowledge-first',
    leavesOut: 'acknowledging a message only after its effect',
    finds: /^consumers: .* had no effect/,
    within: 200,
  },
  {
    name: 'idempotency.no-lease',
    leavesOut: 'the lease: callers with one key work side by side',
    finds: /^idempotency: .* works under/,
    within: 200,
  },
  {
    name: 'idempotency.no-fingerprint',
    leavesOut: 'comparing bodies',
    finds: /^idempotency: two different requests/,
    within: 200,
  },
  {
    name: 'simulation.no-holder-check',
    leavesOut: 'storing an answer only for who still has the key',
    finds: /^idempotency: \d effects under/,
    from: 355,
    within: 2_000,
  },
  {
    name: 'saga without compensation',
    leavesOut: 'undoing what was done when an order is given up',
    definition: withoutCompensation,
    finds: /^(stock|money): /,
    within: 200,
  },
];
