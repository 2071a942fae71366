/** Commands and events over RabbitMQ: declared topology, confirmed publishing, consuming with retry and dead letters. */
export { createMessaging, type ConsumerHandle, type Messaging, type MessagingOptions } from './messaging.ts';
export type { ConsumerOptions } from './consumer.ts';
export { createMessage, type Message, type OutgoingMessage } from './message.ts';
export { PublishFailed, Terminal } from './errors.ts';
