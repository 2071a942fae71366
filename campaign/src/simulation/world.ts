/** What everybody in a simulated world shares: time, chance, weather, the broker, and the processes with their lives. */
import type { Message, OutgoingMessage } from '@ballast/messaging';
import { Bus, type Observer } from './bus.ts';
import { Chance } from './chance.ts';
import { Database } from './database.ts';
import { orderEvents } from './domains.ts';
import { Life, Timeline } from './timeline.ts';
import { Weather } from './weather.ts';

/** A process: what it is while it runs, and how it starts. `Door` is what others can call. */
export class Process<Door extends object = object> {
  readonly name: string;
  /** Undefined while it is down. */
  life: Life | undefined;
  door: Door | undefined;
  readonly #boot: (life: Life) => Door;
  readonly #timeline: Timeline;

  constructor(name: string, timeline: Timeline, boot: (life: Life) => Door) {
    this.name = name;
    this.#timeline = timeline;
    this.#boot = boot;
  }

  start(): void {
    this.life = new Life(this.name, this.#timeline);
    this.door = this.#boot(this.life);
  }

  crash(): void {
    const { life } = this;
    this.life = undefined;
    this.door = undefined;
    life?.end();
  }
}

/** A call got no answer. Whether it had an effect nobody knows. */
export class NoAnswer extends Error {
  readonly retryable = true;
}

export class World {
  readonly chance: Chance;
  readonly weather: Weather;
  readonly timeline = new Timeline();
  readonly bus: Bus;
  readonly databases: Readonly<Record<'shop' | 'checkout' | 'catalog' | 'payments', Database>>;
  /** Set while somebody wants to read along. */
  readonly say: ((line: string) => void) | undefined;
  /** What was found wrong while it happened. */
  readonly violations: string[] = [];
  #ids = 0;

  constructor(seed: number, observer: Observer, trace: ((line: string) => void) | undefined) {
    this.chance = new Chance(seed);
    this.weather = new Weather(this.chance);
    const { timeline } = this;
    this.say = trace && ((line) => trace(`${timeline.now.toFixed(1).padStart(9)}  ${line}`));
    const database = (): Database => new Database(timeline, this.chance, this.weather);
    this.databases = { shop: database(), checkout: database(), catalog: database(), payments: database() };
    this.bus = new Bus(
      {
        'checkout.saga': orderEvents,
        'catalog.commands': ['ReserveStock', 'ReleaseStock', 'CommitStock'],
        'payments.commands': ['AuthorizePayment', 'CapturePayment', 'CancelPayment'],
      },
      { timeline, chance: this.chance, weather: this.weather, observer, say: this.say },
    );
  }

  /** Ids that are short to read, and in the order they were given out. */
  newId(kind: string): string {
    return `${kind}${(this.#ids += 1)}`;
  }

  /** See `createMessage` of libs/messaging. */
  readonly envelope = (outgoing: OutgoingMessage): Message =>
    ({
      id: this.newId('m'),
      type: outgoing.type,
      version: 1,
      occurredAt: '',
      correlationId: outgoing.correlationId,
      causationId: outgoing.causationId ?? null,
      body: outgoing.body,
    }) as Message;

  /** A request over the network, from one process to whatever life of another it finds there. */
  call<Door extends object, Response>(
    from: Life,
    to: Process<Door>,
    timeoutMs: number,
    request: (door: Door) => Promise<Response>,
  ): Promise<Response> {
    const { timeline, weather } = this;
    return new Promise((resolve, reject) => {
      const patience = from.clock.setTimeout(() => reject(new NoAnswer(`${to.name} does not answer`)), timeoutMs);
      const answer = (run: () => void): void => {
        timeline.after(weather.delay(), from, () => {
          from.clock.clearTimeout(patience);
          run();
        });
      };
      const fate = weather.fate(weather.climate.calls);
      if (fate === 'lost') return answer(() => reject(new NoAnswer(`no way to ${to.name}`)));
      timeline.after(fate === 'late' ? this.chance.between(0, 2 * timeoutMs) : weather.delay(), null, () => {
        const { life, door } = to;
        if (life === undefined || door === undefined)
          return answer(() => reject(new NoAnswer(`${to.name} is not there`)));
        life.atEnd.push(() => answer(() => reject(new NoAnswer(`${to.name} went away`))));
        const heard = (run: () => void): void =>
          answer(fate === 'unheard' ? () => reject(new NoAnswer(`the connection to ${to.name} broke`)) : run);
        timeline.after(0, life, () => {
          request(door).then(
            (response) => heard(() => resolve(response)),
            (error: unknown) => heard(() => reject(error)),
          );
        });
      });
    });
  }
}
