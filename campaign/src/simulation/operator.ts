/** Who looks after what no program decides: dead letters once all is well again, and orders in review. */
import type { CheckoutDoor, CheckoutTables } from './checkout.ts';
import { decisionEvents } from './domains.ts';
import { Life } from './timeline.ts';
import type { Process, World } from './world.ts';

const mostReplays = 5;

export class Operator {
  /** Orders that a person has settled by hand. */
  readonly settledByHand = new Set<string>();
  replays = 0;
  decisions = 0;
  readonly #world: World;
  readonly #checkouts: readonly Process<CheckoutDoor>[];
  readonly #tables: CheckoutTables;
  readonly #life: Life;

  constructor(world: World, checkouts: readonly Process<CheckoutDoor>[], tables: CheckoutTables) {
    this.#world = world;
    this.#checkouts = checkouts;
    this.#tables = tables;
    this.#life = new Life('operator', world.timeline);
  }

  /** Does what there is to do; false when there is nothing. */
  work(): boolean {
    const { bus, say, timeline, chance } = this.#world;
    if (this.replays < mostReplays && bus.queues.some((queue) => queue.dead.length > 0)) {
      this.replays += 1;
      const replayed = bus.replayDeadLetters();
      say?.(`operator replays ${replayed} dead letters`);
      return true;
    }
    for (const { id, state, version } of this.#tables.sagas.sagas.rows.values()) {
      if (state !== 'RequiresReview') continue;
      const event = chance.pick(Object.values(decisionEvents));
      this.decisions += 1;
      say?.(`operator decides ${event} for ${id}`);
      // Two at once with the same in mind: one of them decides.
      for (const checkout of this.#checkouts) {
        timeline.after(chance.between(0, 5), this.#life, () => {
          const decision = { id, event, version, by: 'operator', note: 'As agreed.' };
          void this.#world
            .call(this.#life, checkout, 5_000, (door) => door.decide(decision))
            .then((decided) => {
              if (decided && event === 'SettledByHand') this.settledByHand.add(id);
            });
        });
      }
      return true;
    }
    return false;
  }
}
