/** Four steps that do nothing, with a way back: what a saga costs when the work itself costs nothing. */
import type { SagaDefinition, TransitionRule } from '@ballast/saga';

export interface Plan {
  /** Whether its last step is to fail, so that two steps must be undone. */
  fails: boolean;
}

export const good = ['StockReserved', 'PaymentAuthorized', 'PaymentCaptured', 'StockCommitted'] as const;
const all = [...good, 'StockCommitRejected', 'StockReleased', 'PaymentCancelled'] as const;
const states = ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured'] as const;
const sends = ['AuthorizePayment', 'CapturePayment', 'CommitStock'] as const;

const rules: TransitionRule[] = [
  ...states.map((from, index): TransitionRule => {
    const send = sends[index];
    return {
      from,
      on: good[index]!,
      to: states[index + 1] ?? 'Completed',
      kind: 'forward',
      ...(send === undefined ? {} : { send: [send] }),
    };
  }),
  {
    from: 'PaymentCaptured',
    on: 'StockCommitRejected',
    to: 'Compensating',
    kind: 'failure',
    undo: ['payment', 'stock'],
  },
  ...states.map((from): TransitionRule => ({
    from,
    on: 'Overdue',
    to: 'Compensating',
    kind: 'failure',
    undo: ['payment', 'stock'],
  })),
  { from: 'Compensating', on: 'Overdue', to: 'Compensating', kind: 'compensation', repeatOwed: true },
  { from: 'Compensating', on: 'StockReleased', to: 'Compensated', kind: 'compensation', settles: 'stock' },
  { from: 'Compensating', on: 'PaymentCancelled', to: 'Compensated', kind: 'compensation', settles: 'payment' },
];
const has = (from: string, on: string): boolean => rules.some((rule) => rule.from === from && rule.on === on);
for (const from of [...states, 'Compensating', 'Completed', 'Compensated'])
  for (const on of all) if (!has(from, on)) rules.push({ from, on, ignore: true, because: 'it does not happen here' });

const deadline = { seconds: 60, event: 'Overdue' };

export const emptySteps: SagaDefinition<Plan> = {
  name: 'empty-steps',
  initial: 'Initiated',
  startEvent: 'OrderPlaced',
  startSends: ['ReserveStock'],
  events: all,
  states: {
    ...Object.fromEntries(states.map((state) => [state, { description: 'A step is under way', deadline }])),
    Compensating: { description: 'Two steps are being undone', deadline },
    Completed: { description: 'Done', final: true },
    Compensated: { description: 'Undone', final: true },
  },
  compensations: { stock: { command: 'ReleaseStock' }, payment: { command: 'CancelPayment' } },
  rules,
  commands: {
    ReserveStock: (orderId) => ({ orderId, lines: [{ productId: orderId, quantity: 1 }] }),
    AuthorizePayment: (orderId) => ({ orderId, provider: 'stripe', method: 'none', amount: 1, currency: 'EUR' }),
    CapturePayment: (orderId) => ({ orderId }),
    // The participant reads from it whether to refuse: the parity of the id was chosen at the start.
    CommitStock: (orderId) => ({ orderId }),
    ReleaseStock: (orderId) => ({ orderId }),
    CancelPayment: (orderId) => ({ orderId }),
  },
};
