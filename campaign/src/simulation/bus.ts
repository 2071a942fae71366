/**
 * RabbitMQ in memory, as far as its promises go: what was confirmed is in every queue bound to it; a queue hands out its
 * messages in their order, to competing consumers; what is not acknowledged when its consumer is gone comes again, at the
 * head; what failed comes again later, a bounded number of times, and then lies among the dead letters. A publish whose
 * confirm is lost may have arrived. Nothing else is promised: messages come twice, and handlers overlap.
 */
import { defect } from '@ballast/faults';
import { PublishFailed, Terminal, type Message } from '@ballast/messaging';
import type { Chance } from './chance.ts';
import type { Life, Timeline } from './timeline.ts';
import type { Weather } from './weather.ts';

/** `retryDelaysMs` of libs/messaging. */
const retryDelaysMs = [250, 1_000, 4_000];
const confirmTimeoutMs = 5_000;

interface Delivery {
  message: Message;
  attempt: number;
  /** When it was handed to a consumer. */
  at: number;
  /** By whom. It is void once the broker has given the message back to the queue. */
  to: Consumer | undefined;
}

interface Consumer {
  life: Life;
  handle: (message: Message) => Promise<void>;
  prefetch: number;
  inHand: Set<Delivery>;
  /** Deliveries to one consumer arrive in their order. */
  lastAt: number;
  connected: boolean;
}

interface Queue {
  name: string;
  types: ReadonlySet<string>;
  ready: Delivery[];
  consumers: Consumer[];
  dead: { message: Message; reason: string }[];
  /** Waiting for their next try. */
  resting: number;
}

/** What the world wants to know of the broker. */
export interface Observer {
  arrived(message: Message): void;
  acknowledged(queue: string, message: Message, deliveredAt: number): void;
}

export class Bus {
  /** While true nothing gets in or out. */
  away = false;
  readonly queues: Queue[];
  /** Tries before a message goes to the dead letters. */
  readonly maxAttempts: number;
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #observer: Observer;
  readonly #say: ((line: string) => void) | undefined;

  constructor(
    queues: Readonly<Record<string, readonly string[]>>,
    world: {
      timeline: Timeline;
      chance: Chance;
      weather: Weather;
      observer: Observer;
      say: ((line: string) => void) | undefined;
    },
  ) {
    this.#timeline = world.timeline;
    this.#chance = world.chance;
    this.#weather = world.weather;
    this.#observer = world.observer;
    this.#say = world.say;
    this.maxAttempts = world.chance.pick([3, 8, 60]);
    this.queues = Object.entries(queues).map(([name, types]) => ({
      name,
      types: new Set(types),
      ready: [],
      consumers: [],
      dead: [],
      resting: 0,
    }));
  }

  /** True when no message is anywhere but among the dead letters. */
  get quiet(): boolean {
    return this.queues.every(
      ({ ready, resting, consumers }) =>
        ready.length === 0 && resting === 0 && consumers.every(({ inHand }) => inHand.size === 0),
    );
  }

  /** See `Messaging.publish`. */
  publish(life: Life, message: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      const weather = this.#weather;
      const fate = this.away ? 'lost' : weather.fate(weather.climate.publishes);
      const fail = (why: string, after: number): void =>
        void this.#timeline.after(after, life, () => reject(new PublishFailed(why)));
      if (fate === 'lost') return fail('not connected', weather.delay());
      // One channel keeps the order; what its sender has given up may be anywhere.
      const way = fate === 'late' ? this.#chance.between(0, 2 * confirmTimeoutMs) : weather.delay();
      const at = Math.max(this.#timeline.now + way, fate === 'late' ? 0 : life.lastPublish);
      if (fate !== 'late') life.lastPublish = at;
      const evenIfDead = this.#chance.hit(0.5);
      this.#timeline.after(at - this.#timeline.now, null, () => {
        if (life.ended && !evenIfDead) return;
        this.#arrive(message);
        if (weather.hit(weather.climate.duplicates))
          this.#timeline.after(this.#chance.between(0, 3_000), null, () => this.#arrive(message));
        if (fate === 'fine') this.#timeline.after(weather.delay(), life, resolve);
        else if (fate === 'unheard') fail('the connection to the broker was lost', weather.delay());
      });
      if (fate === 'late') fail('no confirm in time', Math.min(confirmTimeoutMs, way / 2));
    });
  }

  /** Consumes for as long as this life lasts. */
  consume(life: Life, name: string, prefetch: number, handle: (message: Message) => Promise<void>): void {
    const queue = this.queues.find((each) => each.name === name)!;
    const consumer: Consumer = { life, handle, prefetch, inHand: new Set(), lastAt: 0, connected: true };
    queue.consumers.push(consumer);
    life.atEnd.push(() => {
      queue.consumers = queue.consumers.filter((each) => each !== consumer);
      this.#timeline.after(this.#chance.between(0, 500), null, () => this.#giveBack(queue, consumer));
    });
    this.#handOut(queue);
  }

  /** The connection of a process breaks and is made again; what it has in hand is handed to others meanwhile. */
  disconnect(life: Life): void {
    for (const queue of this.queues) {
      for (const consumer of queue.consumers) {
        if (consumer.life !== life) continue;
        consumer.connected = false;
        this.#giveBack(queue, consumer);
        this.#timeline.after(this.#chance.between(100, 2_000), life, () => {
          consumer.connected = true;
          this.#handOut(queue);
        });
      }
    }
  }

  /** The broker is back: what waits is handed out. */
  back(): void {
    this.away = false;
    for (const queue of this.queues) this.#handOut(queue);
  }

  /** What an operator does: every dead letter goes through its queue once more. Returns how many there were. */
  replayDeadLetters(): number {
    let replayed = 0;
    for (const queue of this.queues) {
      for (const { message } of queue.dead.splice(0)) {
        replayed += 1;
        this.#enqueue(queue, { message, attempt: 1, at: 0, to: undefined });
      }
    }
    return replayed;
  }

  #arrive(message: Message): void {
    this.#observer.arrived(message);
    for (const queue of this.queues)
      if (queue.types.has(message.type)) this.#enqueue(queue, { message, attempt: 1, at: 0, to: undefined });
  }

  #enqueue(queue: Queue, delivery: Delivery): void {
    queue.ready.push(delivery);
    this.#handOut(queue);
  }

  #handOut(queue: Queue): void {
    if (this.away) return;
    while (queue.ready.length > 0) {
      const consumer = this.#free(queue);
      if (consumer === undefined) return;
      const delivery = queue.ready.shift()!;
      delivery.to = consumer;
      consumer.inHand.add(delivery);
      const at = Math.max(this.#timeline.now + this.#weather.delay(), consumer.lastAt);
      consumer.lastAt = at;
      this.#timeline.after(at - this.#timeline.now, consumer.life, () => this.#deliver(queue, consumer, delivery));
    }
  }

  /** One of those that can take another message. */
  #free({ consumers }: Queue): Consumer | undefined {
    const start = consumers.length > 1 ? this.#chance.below(consumers.length) : 0;
    for (let index = 0; index < consumers.length; index += 1) {
      const consumer = consumers[(start + index) % consumers.length]!;
      if (consumer.connected && consumer.inHand.size < consumer.prefetch && !consumer.life.ended) return consumer;
    }
    return undefined;
  }

  #deliver(queue: Queue, consumer: Consumer, delivery: Delivery): void {
    const { message } = delivery;
    const { life } = consumer;
    delivery.at = this.#timeline.now;
    this.#say?.(`${life.name} gets ${describe(message)}${delivery.attempt > 1 ? `, try ${delivery.attempt}` : ''}`);
    if (defect('simulation.acknowledge-first')) this.#acknowledge(queue, consumer, delivery);
    consumer.handle(message).then(
      () => {
        this.#observer.acknowledged(queue.name, message, delivery.at);
        this.#acknowledge(queue, consumer, delivery);
      },
      (error: unknown) => {
        const dead = error instanceof Terminal || delivery.attempt >= this.maxAttempts;
        const reason = error instanceof Error ? error.message : String(error);
        this.#say?.(`${life.name} fails at ${describe(message)}: ${reason}${dead ? ' (dead letter)' : ''}`);
        // The copy first, and only then the acknowledgement: in between it is there twice.
        queue.resting += 1;
        this.#timeline.after(this.#weather.delay(), null, () => {
          if (dead) queue.dead.push({ message, reason });
          const rest = dead ? 0 : retryDelaysMs[Math.min(delivery.attempt, retryDelaysMs.length) - 1]!;
          this.#timeline.after(rest, null, () => {
            queue.resting -= 1;
            if (!dead) this.#enqueue(queue, { message, attempt: delivery.attempt + 1, at: 0, to: undefined });
          });
          this.#acknowledge(queue, consumer, delivery);
        });
      },
    );
  }

  #acknowledge(queue: Queue, consumer: Consumer, delivery: Delivery): void {
    this.#timeline.after(this.#weather.delay(), null, () => {
      // The consumer died or lost its connection meanwhile: the message has been given back, and comes again.
      if (delivery.to !== consumer || consumer.life.ended) return;
      consumer.inHand.delete(delivery);
      this.#handOut(queue);
    });
  }

  #giveBack(queue: Queue, consumer: Consumer): void {
    const back = [...consumer.inHand].map((delivery) => ({ ...delivery, to: undefined }));
    for (const delivery of consumer.inHand) delivery.to = undefined;
    consumer.inHand.clear();
    queue.ready.unshift(...back);
    this.#handOut(queue);
  }
}

/** A message in a trace. */
const describe = (message: Message): string => `${message.type} ${message.id} (${message.correlationId})`;
