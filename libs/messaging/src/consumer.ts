/** One consumer over all its connections: begins anew on each of them, rests after repeated failures, stops once. */
import { runInTrace } from '@ballast/service/trace';
import type { Channel } from 'amqplib';
import { Acknowledgements } from './acknowledgements.ts';
import { deliver, type ConsumerOptions, type DeliveryContext } from './delivery.ts';
import { PublishFailed } from './errors.ts';
import { KillSwitch } from './kill-switch.ts';
import type { Publisher } from './publisher.ts';
import { declareQueue, queueName } from './topology.ts';

/** A consumer as it is now. */
export interface ConsumerState {
  queue: string;
  /** `tripped`: resting after repeated failures, until `restartsAt`. */
  state: 'running' | 'tripped' | 'disconnected';
  restartsAt: Date | null;
  trips: number;
  /** Messages being handled. */
  inHand: number;
}

/** What a consumer tells. */
export type ConsumerEvent =
  | { kind: 'disconnected'; error: unknown }
  | { kind: 'message-set-aside'; queue: string; outcome: string; attempt: number; error: unknown }
  /** The kill switch: the handler kept failing, the consumer rests for `restMs`; or it begins again. */
  | { kind: 'consumer-tripped'; queue: string; restMs: number }
  | { kind: 'consumer-restarted'; queue: string };

/** What a consumer needs of the connection it is started on. */
export interface ConsumerConnection {
  openChannel: () => Promise<Channel>;
  publisher: Publisher;
  /** False while the connection is being set up, and once it is lost. */
  isCurrent: () => boolean;
  /** Gives the connection up for another one. */
  startOver: () => void;
}

const defaultPrefetch = 256;

export class Consumer {
  readonly queue: string;
  readonly #options: ConsumerOptions;
  readonly #namespace: string;
  readonly #report: (event: ConsumerEvent) => void;
  readonly #killSwitch: KillSwitch;
  readonly #inHand = new Set<Promise<void>>();
  /** The one it was started on last. */
  #connection: ConsumerConnection | undefined;
  #channel: Channel | undefined;
  #acknowledgements: Acknowledgements | undefined;
  #consumerTag: string | undefined;
  /** Takes messages from the channel; made with it. */
  #take: (() => Promise<void>) | undefined;
  /** The broker was asked how many messages wait, and has not answered yet. */
  #depth: Promise<number> | undefined;
  #stopped = false;
  /** While it rests. */
  #resting: { timer: NodeJS.Timeout; until: Date } | undefined;

  constructor(
    options: ConsumerOptions,
    { namespace, report }: { namespace: string; report: (event: ConsumerEvent) => void },
  ) {
    this.queue = options.queue;
    this.#options = {
      ...options,
      handle: (message) => runInTrace(message.traceparent, () => options.handle(message)),
    };
    this.#namespace = namespace;
    this.#report = report;
    this.#killSwitch = new KillSwitch(options.killSwitch);
  }

  /** Declares its queue on a channel of its own, and takes from it unless it rests. */
  async start(connection: ConsumerConnection): Promise<void> {
    if (this.#stopped) return;
    const { types, prefetch = defaultPrefetch } = this.#options;
    const channel = await connection.openChannel();
    await declareQueue(channel, this.#namespace, this.queue, types);
    await channel.prefetch(prefetch);
    const acknowledgements = new Acknowledgements(channel);
    const context: DeliveryContext = {
      channel,
      acknowledgements,
      publisher: connection.publisher,
      namespace: this.#namespace,
      report: (event) => this.#report({ kind: 'message-set-aside', ...event }),
    };
    this.#connection = connection;
    this.#acknowledgements = acknowledgements;
    this.#channel = channel;
    this.#consumerTag = undefined;
    this.#take = async () => await this.#takeFrom(connection, context);
    if (this.#resting === undefined) await this.#take();
  }

  /** Takes messages if its rest ended while the connection was being set up, and there was none to begin on. */
  async resume(): Promise<void> {
    if (this.#stopped || this.#resting !== undefined || this.#consumerTag !== undefined) return;
    await this.#take?.();
  }

  /** Takes no more messages; resolves when those in hand are done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#resting?.timer);
    await this.#cancel();
    await Promise.all(this.#inHand);
    this.#acknowledgements?.flush();
  }

  /** Messages that wait in the broker. One question at a time: a broker that stands still is not asked again and again. */
  async depth(): Promise<number> {
    const channel = this.#channel;
    if (channel === undefined) throw new PublishFailed('not connected');
    const ask = async (): Promise<number> =>
      (await channel.checkQueue(queueName(this.#namespace, this.queue))).messageCount;
    this.#depth ??= ask().finally(() => {
      this.#depth = undefined;
    });
    return await this.#depth;
  }

  state(isConnected: boolean): ConsumerState {
    return {
      queue: this.queue,
      state: this.#resting !== undefined ? 'tripped' : isConnected ? 'running' : 'disconnected',
      restartsAt: this.#resting?.until ?? null,
      trips: this.#killSwitch.trips,
      inHand: this.#inHand.size,
    };
  }

  async #takeFrom(connection: ConsumerConnection, context: DeliveryContext): Promise<void> {
    const { consumerTag } = await context.channel.consume(queueName(this.#namespace, this.queue), (delivery) => {
      // null: the broker cancelled us (the queue was deleted); a new connection declares it again.
      if (delivery === null) return connection.startOver();
      const done = deliver(context, this.#options, delivery)
        .then((outcome) => {
          // What was in hand when it stopped fails as well, and says nothing new.
          if (this.#resting !== undefined || this.#stopped) return;
          if (this.#killSwitch.note(outcome === 'retried', performance.now())) this.#trip();
        })
        .finally(() => this.#inHand.delete(done));
      this.#inHand.add(done);
    });
    this.#consumerTag = consumerTag;
    // Stopped while it was being started again: `stop` knew only the channel before.
    if (this.#stopped) await this.#cancel();
  }

  /** Its handler keeps failing: what waits in the queue is left there for a while. */
  #trip(): void {
    const { queue } = this;
    const { restMs } = this.#killSwitch.options;
    const timer = setTimeout(() => {
      this.#resting = undefined;
      this.#killSwitch.forget();
      this.#report({ kind: 'consumer-restarted', queue });
      this.#beginAgain();
    }, restMs);
    this.#resting = { timer, until: new Date(Date.now() + restMs) };
    this.#report({ kind: 'consumer-tripped', queue, restMs });
    this.#cancel().catch((error: unknown) => this.#report({ kind: 'disconnected', error }));
  }

  #beginAgain(): void {
    const connection = this.#connection;
    // Where the connection is gone the next one starts it with all others.
    if (this.#stopped || connection?.isCurrent() !== true) return;
    this.#take?.().catch((error: unknown) => {
      this.#report({ kind: 'disconnected', error });
      if (connection.isCurrent()) connection.startOver();
    });
  }

  async #cancel(): Promise<void> {
    const [channel, consumerTag] = [this.#channel, this.#consumerTag];
    if (channel === undefined || consumerTag === undefined) return;
    this.#consumerTag = undefined;
    try {
      await channel.cancel(consumerTag);
    } catch (error) {
      // A channel that is closed already, or closes now, delivers nothing more, which is what was asked for.
      const closed =
        error instanceof Error &&
        (error.name === 'IllegalOperationError' || /^Channel (ended|closed)/.test(error.message));
      if (!closed) throw error;
    }
  }
}
