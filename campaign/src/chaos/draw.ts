/**
 * Decks that faults are drawn from. What a mesh has is dealt out evenly: a deck gives each of its cards once, in random
 * order, before any of them comes again.
 */
import { outboxPoint, tickPoint, type FaultRequest, type FaultTargets } from '@ballast/contracts';
import { shuffled } from '@ballast/testing';
import type { Chance } from '../simulation/chance.ts';

type PointRequest = Extract<FaultRequest, { kind: 'point' }>;
type LinkRequest = Extract<FaultRequest, { kind: 'link' }>;
type PartRequest = Extract<FaultRequest, { kind: 'part' }>;

/** The instruments of a run: they are not broken, since they are what sees and says what happened. */
const instruments = new Set(['auditor', 'chaos']);

/** How often each family is drawn, against the others. */
const weights = { kill: 3, freeze: 2, crash: 3, error: 4, delay: 3, stall: 1, link: 10, part: 6 } as const;
export type Family = keyof typeof weights;

/** Parts' controls that concern one instance's own messages, leases or sessions, if one is named. */
const perInstance: ReadonlySet<string> = new Set([
  'postgres.end-backends',
  'vault.revoke-leases',
  'message.poison',
  'message.duplicate',
]);
/** Controls that are over as soon as they are done; their `seconds` mean nothing. */
const momentary: ReadonlySet<string> = new Set([...perInstance, 'rabbitmq.close-connections', 'redis.flush']);

/** Seconds a fault lasts at most. */
const longestSeconds = 10;

/** A share of link faults is at one end of all links at once: a part, or a service, that nobody reaches. */
const everybodyShare = 0.2;

/** Toxics with the direction that matters for them, and how strong they are drawn. Names and units are Toxiproxy's. */
const toxics: readonly ((chance: Chance) => Pick<LinkRequest, 'toxic' | 'stream' | 'attributes'>)[] = [
  (chance) => ({
    toxic: 'latency',
    stream: 'downstream',
    attributes: { latency: 50 * (1 + chance.below(30)), jitter: 10 * chance.below(20) },
  }),
  (chance) => ({
    toxic: 'latency',
    stream: 'upstream',
    attributes: { latency: 50 * (1 + chance.below(30)), jitter: 10 * chance.below(20) },
  }),
  () => ({ toxic: 'down' }),
  () => ({ toxic: 'down' }),
  (chance) => ({
    toxic: 'bandwidth',
    stream: chance.pick(['upstream', 'downstream'] as const),
    attributes: { rate: 1 + chance.below(32) },
  }),
  (chance) => ({ toxic: 'slow_close', stream: 'downstream', attributes: { delay: 100 * (1 + chance.below(30)) } }),
  (chance) => ({ toxic: 'timeout', stream: 'downstream', attributes: { timeout: 100 * (1 + chance.below(20)) } }),
  () => ({ toxic: 'reset_peer', stream: 'upstream', attributes: { timeout: 0 } }),
  (chance) => ({ toxic: 'reset_peer', stream: 'downstream', attributes: { timeout: 50 * chance.below(10) } }),
  (chance) => ({
    toxic: 'slicer',
    stream: 'downstream',
    attributes: { average_size: 16 + chance.below(200), size_variation: 8, delay: 100 * chance.below(20) },
  }),
  (chance) => ({
    toxic: 'limit_data',
    stream: chance.pick(['upstream', 'downstream'] as const),
    attributes: { bytes: 256 * (1 + chance.below(32)) },
  }),
  () => ({ toxic: 'drop', stream: 'upstream' }),
  () => ({ toxic: 'drop', stream: 'downstream' }),
];

/** A fault as drawn, and what the schedule has to know of it. Times in seconds. */
export interface Drawn {
  family: Family;
  request: FaultRequest;
  /** Two faults with a target in common are never on at a time. */
  targets: readonly string[];
  /** How long it is expected to be on. */
  lasts: number;
  /** A process dies of it. Two kills at once are not promised to be survived. */
  kills: boolean;
}

/** Gives each card once, in random order, then all again. */
class Deck<Card> {
  readonly #cards: readonly Card[];
  readonly #chance: Chance;
  #left: Card[] = [];

  constructor(cards: readonly Card[], chance: Chance) {
    this.#cards = cards;
    this.#chance = chance;
  }

  get empty(): boolean {
    return this.#cards.length === 0;
  }

  draw(): Card {
    if (this.#left.length === 0) this.#left = shuffled(this.#cards, this.#chance.next);
    return this.#left.pop()!;
  }
}

/** All that can be drawn in one mesh. The same chance and the same targets, in whatever order, give the same draws. */
export class Faults {
  readonly #chance: Chance;
  readonly #families: Deck<Family>;
  readonly #killed: Deck<string>;
  readonly #frozen: Deck<string>;
  readonly #instances: Deck<{ instance: string; points: Deck<string> }>;
  readonly #links: Deck<{ from: string; to: string }>;
  readonly #toxics: Deck<(typeof toxics)[number]>;
  readonly #parts: Deck<PartRequest['action']>;
  readonly #talkers: Deck<string>;
  readonly #leasers: Deck<string>;

  constructor(targets: FaultTargets, chance: Chance) {
    this.#chance = chance;
    const deck = <Card>(cards: readonly Card[]): Deck<Card> => new Deck(cards, chance);
    const instances = targets.instances
      .filter(({ service }) => !instruments.has(service))
      .toSorted((one, other) => byText(one.instance, other.instance));
    const ticking = instances.filter(({ points }) => points.includes(tickPoint)).map(({ instance }) => instance);
    this.#killed = deck(ticking);
    this.#frozen = deck(ticking);
    this.#instances = deck(
      instances
        .map(({ instance, points }) => ({
          instance,
          points: points.filter((point) => point !== tickPoint).toSorted(byText),
        }))
        .filter(({ points }) => points.length > 0)
        .map(({ instance, points }) => ({ instance, points: deck(points) })),
    );
    const links = targets.links
      .filter(({ from, to }) => !instruments.has(from) && !instruments.has(to))
      .map(({ from, to }) => ({ from, to }))
      .toSorted((one, other) => byText(`${one.from} ${one.to}`, `${other.from} ${other.to}`));
    this.#links = deck(links);
    this.#toxics = deck(toxics);
    this.#parts = deck(
      targets.parts
        .filter(({ unavailable }) => unavailable === null)
        .map(({ action }) => action)
        .toSorted(byText),
    );
    const linkedTo = (part: string): string[] => [
      ...new Set(links.flatMap(({ from, to }) => (to === part ? [from] : []))),
    ];
    this.#talkers = deck(
      instances.filter(({ points }) => points.includes(outboxPoint)).map(({ instance }) => instance),
    );
    this.#leasers = deck(linkedTo('vault'));
    const has: Record<Family, boolean> = {
      kill: !this.#killed.empty,
      freeze: !this.#frozen.empty,
      crash: !this.#instances.empty,
      error: !this.#instances.empty,
      delay: !this.#instances.empty,
      stall: !this.#instances.empty,
      link: !this.#links.empty,
      part: !this.#parts.empty,
    };
    this.#families = deck(
      (Object.keys(weights) as Family[]).flatMap((family) =>
        has[family] ? Array.from({ length: weights[family] }, () => family) : [],
      ),
    );
  }

  /** Nothing here can be broken. */
  get none(): boolean {
    return this.#families.empty;
  }

  /** The next one. */
  draw(): Drawn {
    const family = this.#families.draw();
    // Short ones are more frequent: most real faults are, and they leave time between them.
    const seconds = 1 + Math.floor(longestSeconds * this.#chance.next() ** 1.6);
    switch (family) {
      case 'kill':
        return this.#point(family, {
          instance: this.#killed.draw(),
          point: tickPoint,
          action: 'crash',
          times: 1,
          seconds,
        });
      case 'freeze':
        return this.#point(family, {
          instance: this.#frozen.draw(),
          point: tickPoint,
          action: 'freeze',
          times: 1,
          seconds,
        });
      case 'link':
        return this.#link(seconds);
      case 'part':
        return this.#part(seconds);
      case 'crash':
      case 'error':
      case 'delay':
      case 'stall': {
        const { instance, points } = this.#instances.draw();
        const at = { instance, point: points.draw(), seconds };
        if (family === 'crash') return this.#point(family, { ...at, action: 'crash', times: 1 });
        if (family === 'error')
          return this.#point(family, { ...at, action: 'error', times: 1 + this.#chance.below(10) });
        const milliseconds = 100 * (1 + this.#chance.below(25));
        if (family === 'delay') return this.#point(family, { ...at, action: 'delay', milliseconds });
        return this.#point(family, { ...at, action: 'freeze', milliseconds, times: 1 });
      }
    }
  }

  #point(family: Family, at: Omit<PointRequest, 'kind'>): Drawn {
    const request: PointRequest = { kind: 'point', ...at };
    const killedNow = family === 'kill';
    return {
      family,
      request,
      targets: [`process ${at.instance}`],
      lasts: killedNow ? 1 : at.seconds,
      kills: at.action === 'crash',
    };
  }

  #link(seconds: number): Drawn {
    const { from, to } = this.#links.draw();
    const toxic = this.#toxics.draw()(this.#chance);
    const everybody = this.#chance.hit(everybodyShare);
    return {
      family: 'link',
      request: { kind: 'link', from: everybody ? '*' : from, to, ...toxic, seconds },
      targets: [`links to ${to}`],
      lasts: seconds,
      kills: false,
    };
  }

  #part(seconds: number): Drawn {
    const action = this.#parts.draw();
    const deck = action.startsWith('message.') ? this.#talkers : this.#leasers;
    const named = perInstance.has(action) && !deck.empty && this.#chance.hit(0.5) ? { instance: deck.draw() } : {};
    const isMomentary = momentary.has(action);
    return {
      family: 'part',
      request: { kind: 'part', action, ...named, seconds: isMomentary ? 1 : seconds },
      targets: [`part ${action.split('.')[0]}`],
      lasts: isMomentary ? 1 : seconds,
      kills: false,
    };
  }
}

/** By code units: the order must not depend on where a run takes place. */
function byText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
