/** What checkout and claims ask for: recorded first, carried out by the driver after. */
import { Terminal, type ConsumerOptions, type Message } from '@ballast/messaging';
import type { PaymentCommand } from '../domain/payment.ts';
import type { Driver } from '../driver.ts';
import { consumer, type PaymentStore } from '../store/payments.ts';

const paymentCommands = [
  'AuthorizePayment',
  'CapturePayment',
  'CancelPayment',
  'RefundPayment',
] as const satisfies readonly PaymentCommand['type'][];

const isCommand = (message: Message): message is Message & PaymentCommand =>
  (paymentCommands as readonly string[]).includes(message.type);

export const commandsConsumer = (store: PaymentStore, driver: Driver): ConsumerOptions => ({
  queue: consumer,
  types: paymentCommands,
  handle: async (message) => {
    if (!isCommand(message)) throw new Terminal(`${message.type} is not for payments`);
    const applied = await store.command(message);
    if (applied.leased) driver.drive(applied.payment);
  },
});
