/** What checkout asks for: recorded first, carried out by the driver after. */
import { Terminal, type ConsumerOptions } from '@ballast/messaging';
import type { Driver } from '../driver.ts';
import { consumer, type PaymentStore } from '../store/payments.ts';

export const commandsConsumer = (store: PaymentStore, driver: Driver): ConsumerOptions => ({
  queue: consumer,
  types: ['AuthorizePayment', 'CapturePayment', 'CancelPayment'],
  handle: async (message) => {
    if (message.type !== 'AuthorizePayment' && message.type !== 'CapturePayment' && message.type !== 'CancelPayment') {
      throw new Terminal(`${message.type} is not for payments`);
    }
    const applied = await store.command(message);
    if (applied.leased) driver.drive(applied.payment);
  },
});
