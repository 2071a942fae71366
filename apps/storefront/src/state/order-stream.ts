/** What a page knows of an order it follows: a pure reducer over what the live stream tells. */
import type { Order, OrderState, OrderTransition } from '@ballast/contracts';

/**
 * - `connecting`    the stream is being opened
 * - `waiting`       it is open, its snapshot has not come yet
 * - `live`          every step arrives as it happens
 * - `reconnecting`  it broke off and is being opened again
 * - `closed`        the order is final: there is nothing more to come
 */
export type Connection = 'connecting' | 'waiting' | 'live' | 'reconnecting' | 'closed';

export type OrderView = {
  order: Order | null;
  connection: Connection;
  /** The stream has given its snapshot: after a break it goes on where it stopped. */
  hasSnapshot: boolean;
  /** A step is missing: the order has to be read again. */
  hasGap: boolean;
};

export const initialView: OrderView = {
  order: null,
  connection: 'connecting',
  hasSnapshot: false,
  hasGap: false,
};

export type OrderAction =
  | { type: 'read'; order: Order }
  | { type: 'opened' }
  | { type: 'snapshot'; order: Order }
  | { type: 'transition'; transition: OrderTransition }
  | { type: 'interrupted' }
  | { type: 'replaced' }
  | { type: 'ended' };

/** The next view. Repeated and late steps change nothing, so that a resumed stream can be trusted. */
export function reduceOrder(view: OrderView, action: OrderAction): OrderView {
  if (view.connection === 'closed' && action.type !== 'read') return view;
  switch (action.type) {
    case 'read':
      return { ...view, order: newerOrder(view.order, action.order), hasGap: false };
    case 'opened':
      return { ...view, connection: view.hasSnapshot ? 'live' : 'waiting' };
    case 'snapshot':
      return {
        order: newerOrder(view.order, action.order),
        connection: 'live',
        hasSnapshot: true,
        hasGap: false,
      };
    case 'transition':
      return applyTransition(view, action.transition);
    case 'interrupted':
      return { ...view, connection: 'reconnecting' };
    case 'replaced':
      // A new stream knows nothing of the old one's place: it begins with a snapshot again.
      return { ...view, connection: 'reconnecting', hasSnapshot: false };
    case 'ended':
      return { ...view, connection: 'closed' };
    default:
      return action satisfies never;
  }
}

/** The last step's number; 0 before the first. */
export function lastStep(order: Order | null): number {
  return order?.history.at(-1)?.seq ?? 0;
}

function newerOrder(known: Order | null, told: Order): Order {
  if (known === null || known.orderId !== told.orderId) return told;
  return lastStep(told) >= lastStep(known) ? told : known;
}

function applyTransition(view: OrderView, transition: OrderTransition): OrderView {
  if (view.order === null) return { ...view, hasGap: true };
  const next = lastStep(view.order) + 1;
  if (transition.seq < next) return view;
  if (transition.seq > next) return { ...view, hasGap: true };
  const order: Order = {
    ...view.order,
    state: transition.to,
    history: [...view.order.history, transition],
  };
  return { ...view, order, connection: 'live' };
}

/** The connection in words. */
export const connectionWords: Record<Connection, string> = {
  connecting: 'Connecting…',
  waiting: 'Waiting for snapshot…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  closed: 'Final',
};

/** States in which nothing more happens by itself. */
const finalStates: Record<OrderState, boolean> = {
  Initiated: false,
  StockReserved: false,
  ReadyForPayment: false,
  PaymentCaptured: false,
  Compensating: false,
  Completed: true,
  Compensated: true,
  RequiresReview: true,
};

export function isFinal(state: OrderState): boolean {
  return finalStates[state];
}
