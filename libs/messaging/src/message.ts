/** Envelopes: made when something is said, checked when something is heard. */
import { Envelope, messages, messageVersion, type MessageBody, type MessageType } from '@ballast/contracts';
import { randomUUIDv7 } from 'node:crypto';
import { Compile, type Validator } from 'typebox/compile';
import { Terminal } from './errors.ts';

/** An envelope whose body is known by its type. */
export type Message<Type extends MessageType = MessageType> = {
  [T in Type]: {
    id: string;
    type: T;
    version: number;
    occurredAt: string;
    correlationId: string;
    causationId: string | null;
    traceparent?: string;
    body: MessageBody<T>;
  };
}[Type];

/** What a sender says; the rest of the envelope is filled in. */
export type OutgoingMessage<Type extends MessageType = MessageType> = {
  [T in Type]: { type: T; correlationId: string; causationId?: string | null; body: MessageBody<T> };
}[Type];

/** Puts a command or event into its envelope, with an id of its own. */
export function createMessage(outgoing: OutgoingMessage, traceparent?: string): Message {
  return {
    id: randomUUIDv7(),
    type: outgoing.type,
    version: messageVersion,
    occurredAt: new Date().toISOString(),
    correlationId: outgoing.correlationId,
    causationId: outgoing.causationId ?? null,
    ...(traceparent === undefined ? {} : { traceparent }),
    body: outgoing.body,
  } as Message;
}

const envelopeCheck = Compile(Envelope);
const bodyChecks = new Map<string, Validator>();

/** Reads bytes from the broker. Throws `Terminal`, naming what is wrong, for anything that is not a known message. */
export function readMessage(content: Buffer): Message {
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8'));
  } catch (error) {
    throw new Terminal('the content is not JSON', { cause: error });
  }
  if (!envelopeCheck.Check(value)) {
    const [first] = envelopeCheck.Errors(value);
    throw new Terminal(`envelope${first?.instancePath ?? ''} ${first?.message ?? 'is wrong'}`);
  }
  const check = bodyCheck(value.type);
  if (check === undefined) throw new Terminal(`no message of type ${value.type} is known`);
  if (value.version !== messageVersion) throw new Terminal(`version ${value.version} of ${value.type} is not known`);
  if (!check.Check(value.body)) {
    const [first] = check.Errors(value.body);
    throw new Terminal(`${value.type} body${first?.instancePath ?? ''} ${first?.message ?? 'is wrong'}`);
  }
  // Ids are compared as text from here on, and UUIDs may be written in upper case.
  return { ...value, id: value.id.toLowerCase(), correlationId: value.correlationId.toLowerCase() } as Message;
}

function bodyCheck(type: string): Validator | undefined {
  const known = bodyChecks.get(type);
  if (known !== undefined) return known;
  if (!Object.hasOwn(messages, type)) return undefined;
  const made: Validator = Compile(messages[type as MessageType].body);
  bodyChecks.set(type, made);
  return made;
}
