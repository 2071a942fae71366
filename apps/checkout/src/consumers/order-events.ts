/** What catalog and payments tell about orders, handed to the saga engine. */
import type { ConsumerOptions } from '@ballast/messaging';
import type { SagaEngine } from '@ballast/saga';
import { orderEvents, type OrderContext } from '../domain/place-order.ts';

/** Queue of the saga; both replicas compete for it. */
const sagaQueue = 'checkout.saga';

export const orderEventsConsumer = (engine: SagaEngine<OrderContext>): ConsumerOptions => ({
  queue: sagaQueue,
  types: orderEvents,
  handle: (message) => engine.handle(message),
});
