/** The queue `analytics.counts`: what gateways have counted. */
import { Terminal, type Message } from '@ballast/messaging';
import type { Counting } from '../counting.ts';
import { isCountable, isTimeOrdered } from '../domain/series.ts';
import { bodyOf } from './body.ts';

/** The queue's short name. */
export const countsQueue = 'analytics.counts';

/** Returns the consumer's handler: it resolves once the report is durable. */
export function createCountedHandler(counting: Counting): (message: Message) => Promise<void> {
  return async (message) => {
    const body = bodyOf(message, 'GatewayCounted');
    // Ids are compared as text, and may be written in upper case.
    const report = { ...body, epoch: body.epoch.toLowerCase() };
    if (!isTimeOrdered(report.epoch))
      throw new Terminal('a gateway’s epoch has to be a UUIDv7: they are ordered by time');
    if (!isCountable(report)) throw new Terminal('a number too large to count with');
    await counting.take(report);
  };
}
