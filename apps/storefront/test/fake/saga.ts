/** The saga's definition as the played mesh tells it. Test code. */
import type { SagaDiagram } from '@ballast/contracts';

type Kind = SagaDiagram['transitions'][number]['kind'];

const transitions: [from: string, event: string, to: string, kind: Kind][] = [
  ['Initiated', 'StockReserved', 'StockReserved', 'forward'],
  ['Initiated', 'StockRejected', 'Compensated', 'failure'],
  ['StockReserved', 'PaymentAuthorized', 'ReadyForPayment', 'forward'],
  ['StockReserved', 'PaymentDeclined', 'Compensating', 'failure'],
  ['ReadyForPayment', 'PaymentCaptured', 'PaymentCaptured', 'forward'],
  ['ReadyForPayment', 'CaptureRefused', 'Compensating', 'failure'],
  ['PaymentCaptured', 'StockCommitted', 'Completed', 'forward'],
  ['Compensating', 'StockReleased', 'Compensated', 'compensation'],
  ['Compensating', 'PaymentCancelRefused', 'RequiresReview', 'failure'],
  ['RequiresReview', 'SettledByHand', 'Compensated', 'compensation'],
];

const ends = ['Completed', 'Compensated'];
const names = [...new Set(transitions.flatMap(([from, , to]) => [from, to]))];

export const sagaDefinition: SagaDiagram = {
  name: 'place-order',
  initial: 'Initiated',
  states: names.map((name) => ({ name, description: '', final: ends.includes(name), deadlineSeconds: null })),
  transitions: transitions.map(([from, event, to, kind]) => ({ from, event, to, kind, sends: [] })),
};
