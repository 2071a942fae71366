/** The queue `analytics.events`: the audit trail. An event's id makes a repetition harmless. */
import type { Message } from '@ballast/messaging';
import { createBatcher, type Database } from '@ballast/postgres';
import { storable, storableOrNull } from '../domain/text.ts';
import { insertAuditEvents, type AuditEvent } from '../store/audit.ts';
import { bodyOf, instant } from './body.ts';

/** The queue's short name. */
export const eventsQueue = 'analytics.events';

/** Messages in one statement; each brings 500 events at most. */
const messagesAtOnce = 4;

/** Returns the consumer's handler: it resolves once the events are stored. `onStored`: how many were new. */
export function createEventsHandler(
  database: Database,
  onStored: (events: number) => void,
): (message: Message) => Promise<void> {
  let serial = 0;
  const store = async (events: readonly AuditEvent[]): Promise<void> => {
    onStored(await insertAuditEvents(database, events));
  };
  const push = createBatcher<{ serial: number; events: readonly AuditEvent[] }, void>({
    key: (item) => String(item.serial),
    maxItems: messagesAtOnce,
    one: ({ events }) => store(events),
    many: async (items) => {
      await store(items.flatMap(({ events }) => events));
      return items.map(() => undefined);
    },
  });
  return async (message) => {
    const { gateway, epoch, items } = bodyOf(message, 'DeviceEvents');
    const events = items.map((event) => ({
      ...event,
      gateway,
      epoch,
      at: instant(event.at),
      claimedId: storableOrNull(event.claimedId),
      remoteAddress: storable(event.remoteAddress),
      reason: storableOrNull(event.reason),
    }));
    serial += 1;
    await push({ serial, events });
  };
}
