/** What surrounds every command and event on the broker. */
import { Type, type Static } from 'typebox';
import { Timestamp, Uuid } from './primitives.ts';

/**
 * - `id`            the message's own id (UUIDv7): consumers remember it, so a message delivered twice acts once
 * - `type`          the message's name, also its routing key
 * - `version`       of the body's schema
 * - `correlationId` the order (or other subject) the message belongs to; order is kept within it
 * - `causationId`   id of the message, or of the request, that led to this one; null where nothing did
 * - `traceparent`   W3C trace context of the sender
 */
export const Envelope = Type.Object({
  id: Uuid,
  type: Type.String({ minLength: 1, maxLength: 100 }),
  version: Type.Integer({ minimum: 1 }),
  occurredAt: Timestamp,
  correlationId: Uuid,
  causationId: Type.Union([Uuid, Type.Null()]),
  traceparent: Type.Optional(Type.String({ maxLength: 100 })),
  body: Type.Unknown(),
});
export type Envelope<Body = unknown> = Omit<Static<typeof Envelope>, 'body'> & { body: Body };
