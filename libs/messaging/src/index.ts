/** Commands and events over RabbitMQ: declared topology, confirmed publishing, consuming with retry and dead letters. */
export { createMessaging, type ConsumerHandle, type Messaging, type MessagingOptions } from './messaging.ts';
export type { ConsumerState } from './consumer.ts';
export { killSwitchRule, type KillSwitchOptions } from './kill-switch.ts';
export type { DeadLetter } from './dead-letters.ts';
export type { ConsumerOptions } from './delivery.ts';
export type { ListenerOptions } from './listener.ts';
export { createMessage, type Message, type OutgoingMessage } from './message.ts';
export { PublishFailed, Terminal } from './errors.ts';
