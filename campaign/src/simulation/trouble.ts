/** What goes wrong in a world besides the weather: crashes, freezes, connections that break, parts that are away. */
import type { Life } from './timeline.ts';
import type { Process, World } from './world.ts';

/** Crashes are planned by steps: somewhere between two things that happen in a process. */
interface PlannedCrash {
  process: Process;
  /** Steps of all processes together after which it strikes the next time this one has made a step. */
  fromStep: number;
  downMs: number;
}

export class Trouble {
  /** How often each kind struck. */
  readonly counts: Record<string, number> = {};
  readonly #world: World;
  readonly #crashes: PlannedCrash[] = [];
  #steps = 0;
  #open = 0;

  /** Plans all of it. Half of the worlds have little trouble, so that what goes wrong there is easy to read. */
  constructor(world: World, processes: readonly Process[]) {
    this.#world = world;
    const { chance, timeline } = world;
    const many = chance.pick([0, 1, 1, 2, 3, 5]);
    const span = chance.pick([100, 1_000, 10_000]);
    for (let index = 0; index < many; index += 1) {
      const process = chance.pick(processes);
      const at = chance.between(0, span);
      this.#open += 1;
      switch (chance.pick(['crash', 'crash', 'crash', 'freeze', 'disconnect', 'database', 'broker'])) {
        case 'crash':
          this.#crashes.push({
            process,
            fromStep: chance.below(150),
            downMs: chance.hit(0.15) ? chance.between(5_000, 60_000) : chance.between(20, 3_000),
          });
          break;
        case 'freeze': {
          const milliseconds = chance.between(100, 12_000);
          this.#during(at, milliseconds, 'freeze', process.name, () => {
            if (process.life !== undefined) process.life.frozenUntil = timeline.now + milliseconds;
          });
          break;
        }
        case 'disconnect':
          this.#during(at, 0, 'disconnect', process.name, () => {
            if (process.life !== undefined) world.bus.disconnect(process.life);
          });
          break;
        case 'database': {
          const name = chance.pick(['shop', 'checkout', 'catalog', 'payments'] as const);
          const database = world.databases[name];
          this.#during(
            at,
            chance.between(50, 6_000),
            'database away',
            name,
            () => (database.away = true),
            () => (database.away = false),
          );
          break;
        }
        case 'broker':
          this.#during(
            at,
            chance.between(50, 6_000),
            'broker away',
            '',
            () => (world.bus.away = true),
            () => world.bus.back(),
          );
      }
    }
    this.#open += 1;
    timeline.after(span, null, () => this.#over());
  }

  /** Called after each step: is it time to die? */
  afterStep(life: Life): void {
    this.#steps += 1;
    const index = this.#crashes.findIndex(
      (crash) => crash.fromStep <= this.#steps && crash.process.life === life && !life.ended,
    );
    if (index === -1) return;
    const [{ process, downMs }] = this.#crashes.splice(index, 1) as [PlannedCrash];
    this.#count('crash', process.name);
    process.crash();
    this.#world.timeline.after(downMs, null, () => {
      this.#world.say?.(`>>> ${process.name} starts`);
      process.start();
      this.#over();
    });
  }

  /** Nothing is left to happen and some crashes never found their moment: the trouble is over. */
  giveUp(): void {
    for (const _ of this.#crashes.splice(0)) this.#over();
  }

  get over(): boolean {
    return this.#open === 0;
  }

  #during(at: number, milliseconds: number, kind: string, what: string, begin: () => void, end = () => {}): void {
    const { timeline } = this.#world;
    timeline.after(at, null, () => {
      this.#count(kind, what);
      begin();
      timeline.after(milliseconds, null, () => {
        end();
        this.#over();
      });
    });
  }

  #count(kind: string, what: string): void {
    this.#world.say?.(`>>> ${kind} ${what}`);
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  #over(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#world.say?.('>>> all trouble is over');
    this.#world.weather.healed = true;
  }
}
