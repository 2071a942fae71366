/** Bodies of messages about devices, which libs/messaging has checked by their type. */
import type { deviceEvents, DeviceEventType } from '@ballast/contracts';
import { Terminal, type Message } from '@ballast/messaging';
import type { Static } from 'typebox';

type Body<Type extends DeviceEventType> = Static<(typeof deviceEvents)[Type]['body']>;

/** The body of a message of this type; throws `Terminal` for any other. */
export function bodyOf<Type extends DeviceEventType>(message: Message, type: Type): Body<Type> {
  const told: string = message.type;
  if (told !== type) throw new Terminal(`${told} is nothing this queue is for`);
  // `Message` names messages about orders only.
  return message.body as unknown as Body<Type>;
}

/** An instant of a gateway's in the form PostgreSQL takes; throws `Terminal` for one that no calendar knows. */
export function instant(text: string): string {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds) || milliseconds < 0) throw new Terminal('a message with an impossible time');
  return new Date(milliseconds).toISOString();
}
