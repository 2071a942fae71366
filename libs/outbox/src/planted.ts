/** Planted defects of the relay, for controls that need it to do wrong, or to be a nuisance, in a mesh that runs. */
import { defect } from '@ballast/faults';
import type { Message } from '@ballast/messaging';
import type { Report } from '@ballast/service';

type Publish = (message: Message) => Promise<void>;

/** Late enough for most orders to have ended. */
const againAfterMs = 1_500;

/**
 * `outbox.never-told` tells nothing: rows stay where they are. `outbox.tell-again` tells everything once more a little
 * later, which breaks no promise: readers know what they have had.
 */
export function withDefects(publish: Publish, report: Report): Publish {
  return async (message) => {
    if (defect('outbox.never-told')) throw new Error('a planted defect keeps this message from being told');
    await publish(message);
    if (!defect('outbox.tell-again')) return;
    const again = (): void =>
      void publish(message).catch((error: unknown) => report('a message was not told twice', error));
    setTimeout(again, againAfterMs).unref();
  };
}
