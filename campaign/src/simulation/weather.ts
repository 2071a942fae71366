/** How bad a world is: delays and failures of everything between processes. All of it is fine weather once it has healed. */
import type { Chance } from './chance.ts';

/** What becomes of something sent to the database or the broker. */
export type Fate =
  | 'fine'
  /** It never arrives; the sender gets an error. */
  | 'lost'
  /** It has its effect; the sender gets an error. */
  | 'unheard'
  /** The sender gives up and gets an error; it has its effect after that. */
  | 'late';

/** Probabilities, drawn per world; several are 0 in most. */
export interface Climate {
  statements: number;
  publishes: number;
  calls: number;
  /** Of a message coming twice although nothing was wrong. */
  duplicates: number;
  /** Of a delay being long. */
  slow: number;
  /** The longest delay, in ms. */
  slowest: number;
}

export class Weather {
  readonly climate: Climate;
  healed = false;
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
    const rate = (most: number): number => (chance.hit(0.5) ? 0 : chance.between(0, most));
    this.climate = {
      statements: rate(0.12),
      publishes: rate(0.2),
      calls: rate(0.2),
      duplicates: rate(0.15),
      slow: rate(0.15),
      slowest: chance.pick([50, 500, 4_000]),
    };
  }

  /** A way through the network, in ms. */
  delay(): number {
    const chance = this.#chance;
    return !this.healed && chance.hit(this.climate.slow)
      ? chance.between(2, this.climate.slowest)
      : chance.between(0.1, 2);
  }

  /** True with that probability, while the weather is bad. */
  hit(probability: number): boolean {
    return !this.healed && this.#chance.hit(probability);
  }

  fate(trouble: number): Fate {
    return this.hit(trouble) ? this.#chance.pick(['lost', 'unheard', 'late']) : 'fine';
  }
}
