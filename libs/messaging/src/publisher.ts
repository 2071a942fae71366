/** Confirmed publishing. A message counts as sent when the broker has confirmed it and had a queue for it. */
import type { ConfirmChannel, Message as Delivery, Options } from 'amqplib';
import { PublishFailed } from './errors.ts';

/** Unconfirmed messages at a time; more are refused, so that a silent broker cannot fill this process's memory. */
const maximumUnconfirmed = 10_000;

interface Unconfirmed {
  settle: (error: PublishFailed | null) => void;
  returned: string | undefined;
}

/** Publishes on one confirm channel; made anew with every connection. */
export class Publisher {
  readonly #channel: ConfirmChannel;
  readonly #timeoutMs: number;
  readonly #unconfirmed = new Map<number, Unconfirmed>();
  #tag = 0;
  #closed = false;

  constructor(channel: ConfirmChannel, timeoutMs: number) {
    this.#channel = channel;
    this.#timeoutMs = timeoutMs;
    channel.on('return', (delivery: Delivery) => {
      // A return comes before the confirm of the same message; which one it is stands in a header of ours.
      const tag = Number(delivery.properties.headers?.['x-publish-tag']);
      const entry = this.#unconfirmed.get(tag);
      if (entry) entry.returned = delivery.fields.routingKey;
    });
    channel.on('close', () => this.close('the channel closed'));
  }

  /** Rejects what is still unconfirmed; it may or may not have arrived. */
  close(reason: string): void {
    this.#closed = true;
    for (const entry of this.#unconfirmed.values()) entry.settle(new PublishFailed(reason));
  }

  /** Resolves on the broker's confirm; rejects with `PublishFailed` on everything else. */
  publish(exchange: string, routingKey: string, content: Buffer, options: Options.Publish): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new PublishFailed('not connected'));
      if (this.#unconfirmed.size >= maximumUnconfirmed)
        return reject(new PublishFailed('too many unconfirmed messages'));
      this.#tag += 1;
      const tag = this.#tag;
      const timer = setTimeout(
        () => entry.settle(new PublishFailed(`no confirm within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      );
      const entry: Unconfirmed = {
        returned: undefined,
        settle: (error) => {
          clearTimeout(timer);
          this.#unconfirmed.delete(tag);
          if (error) reject(error);
          else resolve();
        },
      };
      this.#unconfirmed.set(tag, entry);
      try {
        this.#channel.publish(
          exchange,
          routingKey,
          content,
          { ...options, mandatory: true, persistent: true, headers: { ...options.headers, 'x-publish-tag': tag } },
          (error: unknown) => {
            if (error) entry.settle(new PublishFailed('refused by the broker', { cause: error }));
            else if (entry.returned !== undefined) entry.settle(new PublishFailed(`no queue for ${entry.returned}`));
            else entry.settle(null);
          },
        );
      } catch (error) {
        entry.settle(new PublishFailed('the channel is closed', { cause: error }));
      }
    });
  }
}
