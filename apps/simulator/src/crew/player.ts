/** Plays the devices of one thread: gives each of them its stage, and every round its place in the tally. */
import { setImmediate as nextTick } from 'node:timers/promises';
import { Connection } from '../devices/connection.ts';
import { createForger, type Forger } from '../devices/forgery.ts';
import { createIdentity, type GoodToken, type Identity } from '../identity.ts';
import { Budget, inParallel, Pace } from '../pace.ts';
import { wordsOf } from '../problem.ts';
import { seededRandom } from '../random.ts';
import { scenarioOf } from '../scenarios/index.ts';
import { brokenOff, type Scenario, type Stage } from '../scenarios/scenario.ts';
import { Tally } from '../tally.ts';
import type { Assignment } from './assignment.ts';

/** Devices that are registered at a time. */
const registeredAtOnce = 8;
/** Between the moments at which the storm's devices hang up, in ms. */
const stormEveryMs = 5_000;
/** At least so long after a round that was not as it should be, in ms. */
const afterSurpriseMs = 1_000;

interface Actor {
  scenario: Scenario;
  deviceId: string;
  token: string;
  random: () => number;
}

export class Player {
  readonly tally = new Tally();
  readonly #assignment: Assignment;
  readonly #identity: Identity;
  readonly #pace: Pace;
  readonly #unknown: Budget;
  readonly #open = new Set<Connection>();
  readonly #sleepers = new Set<() => void>();
  readonly #actors: Actor[];
  #forger: Forger | undefined;
  #stopped = false;
  #startedAt = 0;
  #endsAt = 0;

  constructor(assignment: Assignment) {
    this.#assignment = assignment;
    this.#identity = createIdentity({ url: assignment.identity, ...assignment.operator });
    this.#pace = new Pace(assignment.connectRate);
    this.#unknown = new Budget(assignment.unknown);
    this.#actors = assignment.devices.map(({ scenario, number }, index) => ({
      scenario: scenarioOf(scenario),
      // The same devices in every run: what identity knows of them does not grow with each.
      deviceId: `sim-${assignment.seed}-${scenario}-${number}`,
      token: '',
      random: seededRandom(assignment.seed * 1_000_003 + number * 101 + index),
    }));
  }

  /** Gets every device what it needs of identity; rejects where it cannot be had. */
  async prepare(): Promise<void> {
    const key = await this.#identity.publicKey();
    this.#forger = createForger(this.#assignment.identity, key);
    await inParallel(this.#actors, registeredAtOnce, async (actor) => {
      const { token } = actor.scenario;
      if (token === 'good') actor.token = (await this.#newToken(actor.deviceId)).token;
      else if (token !== 'none') actor.token = await this.#identity.oddToken(actor.deviceId, token);
      this.tally.prepared += 1;
    });
  }

  /** Plays until the run is over and every round that was begun has ended. Moments are in ms since the epoch. */
  async play({ startsAt, endsAt }: { startsAt: number; endsAt: number }): Promise<void> {
    const offset = performance.now() - Date.now();
    this.#startedAt = startsAt + offset;
    this.#endsAt = endsAt + offset;
    await Promise.all(this.#actors.map((actor) => this.#act(actor)));
  }

  /** Breaks off: nothing new begins, and whoever waits for the time to pass does not. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#sleepers) wake();
    for (const connection of this.#open) connection.poke();
  }

  async #act(actor: Actor): Promise<void> {
    const { scenario, random } = actor;
    // A storm comes back at its own moments; all others have a beginning of their own, by their turn to connect.
    for (let round = 0; !this.#stopped; round += 1) {
      const began = performance.now();
      if (round === 0) await nextTick();
      const outcome = await this.#round(actor, round);
      if (outcome !== brokenOff) this.tally.round(scenario.name, outcome);
      const expected = scenario.expected.includes(outcome);
      const pauseMs = Math.max(scenario.pauseMs, expected ? 0 : afterSurpriseMs) * (0.75 + random() / 2);
      const now = performance.now();
      // A round that could not be finished in time is not begun.
      const needed = scenario.lasting === true ? 0 : now - began;
      if (now + pauseMs + needed > this.#endsAt) return;
      if (pauseMs > 0) await this.#pause(pauseMs);
    }
  }

  async #round(actor: Actor, round: number): Promise<string> {
    const mine: Connection[] = [];
    try {
      return await actor.scenario.play(this.#stage(actor, round, mine));
    } catch (error) {
      if (error instanceof Stopped) return brokenOff;
      return `failed: ${wordsOf(error).slice(0, 120)}`;
    } finally {
      // All have hung up, unless something failed in between.
      for (const connection of mine) connection.destroy();
    }
  }

  /** `mine` gets the connections that are made on it. */
  #stage(actor: Actor, round: number, mine: Connection[]): Stage {
    const { deviceId, token, random } = actor;
    return {
      deviceId,
      round,
      token,
      random,
      forger: this.#forger!,
      tally: this.tally,
      rate: this.#assignment.rate,
      authDeadlineMs: this.#assignment.authDeadlineMs,
      patienceMs: this.#assignment.patienceMs,
      left: () => (this.#stopped ? 0 : Math.max(0, this.#endsAt - performance.now())),
      stopped: () => this.#stopped,
      untilStorm: () => {
        const now = performance.now();
        const sinceLast = (now - this.#startedAt) % stormEveryMs;
        return Math.max(0, Math.min(stormEveryMs - sinceLast, this.#endsAt - now));
      },
      pause: (milliseconds) => this.#pause(milliseconds),
      connect: async ({ atOnce } = { atOnce: false }) => {
        if (!atOnce) await this.#turn(round);
        const connection = this.#connect();
        mine.push(connection);
        return connection;
      },
      connectUnknown: async (wanted, use) => {
        const taken = await this.#unknown.enter(wanted);
        try {
          await this.#turn(round);
          const connections = Array.from({ length: taken }, () => this.#connect());
          mine.push(...connections);
          const outcome = await use(connections);
          await Promise.all(connections.map((connection) => connection.hangUp()));
          return outcome;
        } finally {
          this.#unknown.leave(taken);
        }
      },
      newToken: () => this.#newToken(deviceId),
      revoke: (tokenId) => this.#identity.revoke(deviceId, tokenId),
    };
  }

  /** Waits until it is this connection's turn; throws {@link Stopped} where nothing begins any more. */
  async #turn(round: number): Promise<void> {
    if (!this.#stopped) await this.#pause(this.#pace.turn(performance.now()));
    if (this.#stopped) throw new Stopped();
    if (round === 0) this.tally.begun += 1;
  }

  #connect(): Connection {
    const connection = new Connection(this.#assignment.gateway, this.tally, () => this.#open.delete(connection));
    this.#open.add(connection);
    return connection;
  }

  #newToken(deviceId: string): Promise<GoodToken> {
    return this.#identity.deviceToken(deviceId, this.#assignment.tokenSeconds);
  }

  #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0 || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#sleepers.add(wake);
    });
  }
}

/** The run was broken off before this round had begun. */
class Stopped extends Error {
  override name = 'Stopped';
}
