/**
 * Acknowledging together: what was settled within one turn of the event loop is acknowledged up to the last in a row
 * with one frame, which the broker takes as one step, too. Nothing waits for a neighbour: what is settled out of its turn
 * is acknowledged by itself.
 */
import type { Channel, ConsumeMessage } from 'amqplib';

export class Acknowledgements {
  readonly #channel: Channel;
  /** Delivery tags not answered yet, in the order of delivery. */
  #open: number[] = [];
  readonly #settled = new Map<number, ConsumeMessage>();
  #scheduled = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** A delivery has come. */
  delivered({ fields }: ConsumeMessage): void {
    this.#open.push(fields.deliveryTag);
  }

  /** Its effect is durable: the broker may forget it. */
  settled(delivery: ConsumeMessage): void {
    this.#settled.set(delivery.fields.deliveryTag, delivery);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** It was given back instead. */
  returned({ fields }: ConsumeMessage): void {
    this.#open = this.#open.filter((tag) => tag !== fields.deliveryTag);
  }

  /** Tells the broker now what it would be told in a moment. */
  flush(): void {
    this.#scheduled = false;
    let row = 0;
    while (this.#settled.has(this.#open[row] ?? -1)) row += 1;
    try {
      if (row > 0) {
        this.#channel.ack(this.#settled.get(this.#open[row - 1]!)!, true);
        for (const tag of this.#open.splice(0, row)) this.#settled.delete(tag);
      }
      for (const delivery of this.#settled.values()) this.#channel.ack(delivery);
      if (this.#settled.size > 0) this.#open = this.#open.filter((tag) => !this.#settled.has(tag));
    } catch (error) {
      // A channel that is closed has given its messages back: they come again and are known.
      if (!(error instanceof Error && error.name === 'IllegalOperationError')) throw error;
    }
    this.#settled.clear();
  }
}
