/**
 * What the services really decide with: the saga's table and the rules of stock and money, each from the `domain` folder
 * of its service. Those are pure, so a simulated world can run on them; see scripts/boundaries and docs/adr/0027.
 */
export {
  placeOrder,
  orderEvents,
  decisionEvents,
  type OrderContext,
} from '../../../apps/checkout/src/domain/place-order.ts';
export {
  decide,
  productsConcerned,
  type Reservation,
  type Stock,
  type StockCommand,
  type StockEvent,
} from '../../../apps/catalog/src/domain/reservations.ts';
export {
  applyCommand,
  applyFact,
  idempotencyKey,
  nextStep,
  type Change,
  type Fact,
  type Payment,
  type PaymentCommand,
  type Step,
} from '../../../apps/payments/src/domain/payment.ts';
