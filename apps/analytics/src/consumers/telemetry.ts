/** The queue `analytics.telemetry`: the latest frame of each device is kept, the others are counted and let go. */
import type { Message } from '@ballast/messaging';
import { createBatcher, type Database } from '@ballast/postgres';
import { storable } from '../domain/text.ts';
import { keepLatestFrames, type Frame } from '../store/latest.ts';
import { bodyOf, instant } from './body.ts';

/** The queue's short name. */
export const telemetryQueue = 'analytics.telemetry';

/** Messages in one statement; each brings 500 frames at most. */
const messagesAtOnce = 8;

/** Returns the consumer's handler: it resolves once the frames are kept. `onFrames`: how many came, repeated ones again. */
export function createTelemetryHandler(
  database: Database,
  onFrames: (frames: number) => void,
): (message: Message) => Promise<void> {
  let serial = 0;
  const push = createBatcher<{ serial: number; frames: readonly Frame[] }, void>({
    key: (item) => String(item.serial),
    maxItems: messagesAtOnce,
    one: ({ frames }) => keepLatestFrames(database, frames),
    many: async (items) => {
      // In the order they came.
      const inOrder = items.toSorted((a, b) => a.serial - b.serial);
      await keepLatestFrames(
        database,
        inOrder.flatMap(({ frames }) => frames),
      );
      return items.map(() => undefined);
    },
  });
  return async (message) => {
    const { gateway, items } = bodyOf(message, 'DeviceTelemetry');
    const frames = items.map((frame) => ({
      ...frame,
      gateway,
      receivedAt: instant(frame.receivedAt),
      sentAt: storable(frame.sentAt),
      readings: Object.fromEntries(
        Object.entries(frame.readings).map(([name, value]) => [
          name,
          typeof value === 'string' ? storable(value) : value,
        ]),
      ),
    }));
    serial += 1;
    await push({ serial, frames });
    onFrames(frames.length);
  };
}
