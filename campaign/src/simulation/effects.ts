/** How often each message has had its effect, and where: counted in the transaction of the effect. */
import type { Work } from './database.ts';

export class Effects {
  /** Committed effects by consumer and message id. */
  readonly counts = new Map<string, number>();

  /** Counts once `work` is committed. */
  note(work: Work, consumer: string, messageId: string): void {
    const key = `${consumer} ${messageId}`;
    work.onCommit(() => void this.counts.set(key, (this.counts.get(key) ?? 0) + 1));
  }
}
