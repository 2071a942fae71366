/** A saga's definition for tests. */
import type { SagaDiagram } from '@ballast/contracts';

/** The definition of the saga, as far as the orders above need it. */
export const diagram: SagaDiagram = {
  name: 'place-order',
  initial: 'Initiated',
  states: [],
  transitions: [
    ['Initiated', 'StockReserved', 'StockReserved'],
    ['StockReserved', 'PaymentAuthorized', 'ReadyForPayment'],
    ['StockReserved', 'PaymentDeclined', 'Compensating'],
    ['ReadyForPayment', 'PaymentCaptured', 'PaymentCaptured'],
    ['PaymentCaptured', 'StockCommitted', 'Completed'],
    ['Compensating', 'StockReleased', 'Compensated'],
    ['Compensated', 'StockReserved', 'Compensated'],
  ].map(([from = '', event = '', to = '']) => ({ from, event, to, sends: [], kind: 'forward' as const })),
};
