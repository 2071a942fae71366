/**
 * The place-order saga: reserve stock → hold the money → take the money → sell the stock, with a way back from
 * everywhere. This table is the whole of it: the engine runs it, pages draw it, tests walk every path in it.
 */
import type { MessageBody, Money, OrderDecision, OrderLine, OrderState, PaymentChoice } from '@ballast/contracts';
import type { SagaDefinition, TransitionRule } from '@ballast/saga';

/** What the saga knows of its order. `reason` says, once it is known, why the order did not complete. */
export interface OrderContext {
  lines: OrderLine[];
  total: Money;
  payment: PaymentChoice;
  reason: string | null;
  /** What `reason` was before the provider refused to give the money back. */
  reasonBefore?: string | null;
  /** How often an operator has asked for the refund again; payments tries each number once. */
  retry?: number;
}

type Events =
  | 'StockReserved'
  | 'StockRejected'
  | 'StockReleased'
  | 'StockCommitted'
  | 'StockCommitRejected'
  | 'PaymentAuthorized'
  | 'PaymentDeclined'
  | 'PaymentCaptured'
  | 'CaptureRefused'
  | 'PaymentCancelled'
  | 'PaymentCancelRefused';

/** Events this saga listens to; the queue is bound to them. */
export const orderEvents: readonly Events[] = [
  'StockReserved',
  'StockRejected',
  'StockReleased',
  'StockCommitted',
  'StockCommitRejected',
  'PaymentAuthorized',
  'PaymentDeclined',
  'PaymentCaptured',
  'CaptureRefused',
  'PaymentCancelled',
  'PaymentCancelRefused',
];

/** What an operator's decision about an order in review is called in the table and in the log. */
export const decisionEvents = {
  'retry-refund': 'RefundRetried',
  'settled-by-hand': 'SettledByHand',
} as const satisfies Record<OrderDecision, string>;

/** `CancelPayment` carries no higher one. */
const maximumRetry = 1_000;

const ignore = (from: OrderState, because: string, ...events: Events[]): TransitionRule[] =>
  events.map((on) => ({ from, on, ignore: true, because }));

const early = (from: OrderState, ...events: Events[]): TransitionRule[] =>
  events.map((on) => ({ from, on, early: true }));

const rules: TransitionRule[] = [
  // Initiated: catalog has been asked to set the stock aside.
  { from: 'Initiated', on: 'StockReserved', to: 'StockReserved', kind: 'forward', send: ['AuthorizePayment'] },
  { from: 'Initiated', on: 'StockRejected', to: 'Compensated', kind: 'failure' },
  { from: 'Initiated', on: 'StockReleased', to: 'Compensated', kind: 'failure' },
  { from: 'Initiated', on: 'StockDeadlinePassed', to: 'Compensating', kind: 'failure', undo: ['stock'] },
  ...early('Initiated', 'PaymentAuthorized', 'PaymentDeclined', 'PaymentCaptured', 'CaptureRefused'),
  ...ignore(
    'Initiated',
    'nothing was committed or cancelled yet',
    'StockCommitted',
    'StockCommitRejected',
    'PaymentCancelled',
    'PaymentCancelRefused',
  ),

  // StockReserved: payments has been asked to hold the money.
  { from: 'StockReserved', on: 'PaymentAuthorized', to: 'ReadyForPayment', kind: 'forward', send: ['CapturePayment'] },
  // The money came before the news that it was held.
  { from: 'StockReserved', on: 'PaymentCaptured', to: 'PaymentCaptured', kind: 'forward', send: ['CommitStock'] },
  { from: 'StockReserved', on: 'PaymentDeclined', to: 'Compensating', kind: 'failure', undo: ['stock'] },
  { from: 'StockReserved', on: 'CaptureRefused', to: 'Compensating', kind: 'failure', undo: ['payment', 'stock'] },
  { from: 'StockReserved', on: 'StockReleased', to: 'Compensating', kind: 'failure', undo: ['payment'] },
  {
    from: 'StockReserved',
    on: 'PaymentDeadlinePassed',
    to: 'Compensating',
    kind: 'failure',
    undo: ['payment', 'stock'],
  },
  ...ignore('StockReserved', 'catalog has answered already', 'StockReserved', 'StockRejected'),
  ...ignore(
    'StockReserved',
    'nothing was committed or cancelled yet',
    'StockCommitted',
    'StockCommitRejected',
    'PaymentCancelled',
    'PaymentCancelRefused',
  ),

  // ReadyForPayment: payments has been asked to take the money.
  { from: 'ReadyForPayment', on: 'PaymentCaptured', to: 'PaymentCaptured', kind: 'forward', send: ['CommitStock'] },
  { from: 'ReadyForPayment', on: 'CaptureRefused', to: 'Compensating', kind: 'failure', undo: ['payment', 'stock'] },
  { from: 'ReadyForPayment', on: 'PaymentDeclined', to: 'Compensating', kind: 'failure', undo: ['payment', 'stock'] },
  { from: 'ReadyForPayment', on: 'StockReleased', to: 'Compensating', kind: 'failure', undo: ['payment'] },
  {
    from: 'ReadyForPayment',
    on: 'CaptureDeadlinePassed',
    to: 'Compensating',
    kind: 'failure',
    undo: ['payment', 'stock'],
  },
  ...ignore('ReadyForPayment', 'it has been heard before', 'StockReserved', 'StockRejected', 'PaymentAuthorized'),
  ...ignore(
    'ReadyForPayment',
    'nothing was committed or cancelled yet',
    'StockCommitted',
    'StockCommitRejected',
    'PaymentCancelled',
    'PaymentCancelRefused',
  ),

  // PaymentCaptured: catalog has been asked to turn the reservation into a sale. There is money: no giving up, asking again.
  { from: 'PaymentCaptured', on: 'StockCommitted', to: 'Completed', kind: 'forward' },
  { from: 'PaymentCaptured', on: 'StockCommitRejected', to: 'Compensating', kind: 'failure', undo: ['payment'] },
  { from: 'PaymentCaptured', on: 'CommitOverdue', to: 'PaymentCaptured', kind: 'forward', send: ['CommitStock'] },
  ...ignore('PaymentCaptured', 'the answer to CommitStock decides', 'StockReleased'),
  ...ignore(
    'PaymentCaptured',
    'it has been heard before',
    'StockReserved',
    'StockRejected',
    'PaymentAuthorized',
    'PaymentDeclined',
    'PaymentCaptured',
    'CaptureRefused',
  ),
  ...ignore('PaymentCaptured', 'nothing was cancelled', 'PaymentCancelled', 'PaymentCancelRefused'),

  // Compensating: whatever may have taken effect is being undone; ends when all that is owed is confirmed.
  { from: 'Compensating', on: 'StockReleased', to: 'Compensated', kind: 'compensation', settles: 'stock' },
  { from: 'Compensating', on: 'PaymentCancelled', to: 'Compensated', kind: 'compensation', settles: 'payment' },
  { from: 'Compensating', on: 'PaymentCancelRefused', to: 'RequiresReview', kind: 'failure' },
  { from: 'Compensating', on: 'CompensationOverdue', to: 'Compensating', kind: 'compensation', repeatOwed: true },
  // Money that turns up after the order was given up goes back.
  { from: 'Compensating', on: 'PaymentAuthorized', to: 'Compensating', kind: 'compensation', undo: ['payment'] },
  { from: 'Compensating', on: 'PaymentCaptured', to: 'Compensating', kind: 'compensation', undo: ['payment'] },
  { from: 'Compensating', on: 'StockReserved', to: 'Compensating', kind: 'compensation', undo: ['stock'] },
  ...ignore(
    'Compensating',
    'the order is being given up already',
    'StockRejected',
    'StockCommitRejected',
    'PaymentDeclined',
    'CaptureRefused',
  ),
  ...ignore('Compensating', 'a committed order does not get here', 'StockCommitted'),

  // Compensated: final. What turns up late is sent back all the same.
  { from: 'Compensated', on: 'StockReserved', to: 'Compensated', kind: 'compensation', send: ['ReleaseStock'] },
  { from: 'Compensated', on: 'PaymentAuthorized', to: 'Compensated', kind: 'compensation', send: ['CancelPayment'] },
  { from: 'Compensated', on: 'PaymentCaptured', to: 'Compensated', kind: 'compensation', send: ['CancelPayment'] },
  ...ignore(
    'Compensated',
    'the order is settled',
    'StockRejected',
    'StockReleased',
    'StockCommitted',
    'StockCommitRejected',
    'PaymentDeclined',
    'CaptureRefused',
    'PaymentCancelled',
    'PaymentCancelRefused',
  ),

  ...ignore('Completed', 'the order is settled', ...orderEvents),

  // RequiresReview: rests until an operator decides. Whatever is still owed, stock too, is then asked for once more.
  {
    from: 'RequiresReview',
    on: 'RefundRetried',
    to: 'Compensating',
    kind: 'compensation',
    undo: ['payment'],
    repeatOwed: true,
  },
  { from: 'RequiresReview', on: 'SettledByHand', to: 'Compensated', kind: 'compensation' },
  ...ignore('RequiresReview', 'a person decides', ...orderEvents),
];

const because =
  (reason: (body: never) => string) =>
  (context: OrderContext, body: unknown): OrderContext => ({
    ...context,
    reason: context.reason ?? reason(body as never),
  });

export const placeOrder: SagaDefinition<OrderContext> = {
  name: 'place-order',
  initial: 'Initiated',
  startEvent: 'OrderPlaced',
  startSends: ['ReserveStock'],
  events: orderEvents,
  decisions: Object.values(decisionEvents),
  states: {
    Initiated: { description: 'Stock is being set aside', deadline: { seconds: 30, event: 'StockDeadlinePassed' } },
    StockReserved: {
      description: 'The payment is being authorised',
      deadline: { seconds: 40, event: 'PaymentDeadlinePassed' },
    },
    ReadyForPayment: {
      description: 'The payment is being captured',
      deadline: { seconds: 40, event: 'CaptureDeadlinePassed' },
    },
    PaymentCaptured: {
      description: 'Paid; the stock is being handed over',
      deadline: { seconds: 10, event: 'CommitOverdue' },
    },
    Compensating: {
      description: 'Stock and money are being put back',
      deadline: { seconds: 10, event: 'CompensationOverdue' },
    },
    Completed: { description: 'Paid and yours', final: true },
    Compensated: { description: 'Given up; stock and money are back', final: true },
    RequiresReview: { description: 'A person has to decide', waitsForPerson: true },
  },
  compensations: { stock: { command: 'ReleaseStock' }, payment: { command: 'CancelPayment' } },
  rules,
  commands: {
    ReserveStock: (orderId, { lines }): MessageBody<'ReserveStock'> => ({ orderId, lines }),
    ReleaseStock: (orderId): MessageBody<'ReleaseStock'> => ({ orderId }),
    CommitStock: (orderId): MessageBody<'CommitStock'> => ({ orderId }),
    AuthorizePayment: (orderId, { payment, total }): MessageBody<'AuthorizePayment'> => ({
      orderId,
      ...payment,
      ...total,
    }),
    CapturePayment: (orderId): MessageBody<'CapturePayment'> => ({ orderId }),
    CancelPayment: (orderId, { retry }): MessageBody<'CancelPayment'> => ({
      orderId,
      ...(retry === undefined ? {} : { retry }),
    }),
  },
  learn: {
    StockRejected: because(({ code }: MessageBody<'StockRejected'>) =>
      code === 'insufficient-stock' ? 'There is not enough in stock.' : 'The stock could not be reserved.',
    ),
    StockReleased: because(() => 'The reservation ran out.'),
    StockDeadlinePassed: because(() => 'The stock could not be reserved in time.'),
    PaymentDeclined: because(({ detail }: MessageBody<'PaymentDeclined'>) => detail),
    PaymentDeadlinePassed: because(() => 'The payment was not authorised in time.'),
    CaptureRefused: because(({ detail }: MessageBody<'CaptureRefused'>) => detail),
    CaptureDeadlinePassed: because(() => 'The payment was not captured in time.'),
    StockCommitRejected: because(() => 'The reservation was gone when the payment arrived.'),
    PaymentCancelRefused: (context, body) => ({
      ...context,
      reasonBefore: context.reasonBefore === undefined ? context.reason : context.reasonBefore,
      reason: `The money could not be given back: ${(body as MessageBody<'PaymentCancelRefused'>).detail}`,
    }),
    // The refusal is no longer the last word: why the order was given up is.
    RefundRetried: (context) => ({
      ...context,
      reason: context.reasonBefore ?? 'The order was given up.',
      retry: Math.min((context.retry ?? 0) + 1, maximumRetry),
    }),
    SettledByHand: (context, body) => ({ ...context, reason: (body as { note: string }).note }),
  },
};
