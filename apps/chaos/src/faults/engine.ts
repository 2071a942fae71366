/** Every fault there is: begun, listed, ended on request. What becomes of each is in `life.ts`. */
import { randomUUIDv7 } from 'node:crypto';
import type { Fault, FaultRequest } from '@ballast/contracts';
import { ProblemError, type Report } from '@ballast/service';
import type { Observation } from '../domain/receipt.ts';
import type { ChaosState } from '../state.ts';
import { newEntry, shown, type Entry } from './entry.ts';
import { pause, type Plan } from './lever.ts';
import { createLife } from './life.ts';
import { createRegister } from './register.ts';
import type { FaultWindow } from './window.ts';

/** Faults that are not over, at most. */
const mostUnfinished = 50;
/** How long an order to heal waits for its end before it is answered, in ms; and one to inject. */
const healPatienceMs = 3_000;
const injectPatienceMs = 4_000;

export interface Faults {
  /** Resolves once it is injected, or failed, or (with it still under way) after a few seconds. Throws a `ProblemError` where the target is unknown, or there are too many. */
  inject(request: FaultRequest): Promise<Fault>;
  /** Ends one; resolves when that has worked or after three seconds. Null where there is none with that id. */
  heal(id: string): Promise<Fault | null>;
  /** Ends all. */
  healAll(): Promise<readonly Fault[]>;
  list(): readonly Fault[];
  find(id: string): Fault | null;
  /** Whether any is active or recovering, or failed and not taken back yet. */
  busy(): boolean;
  /** Told of each request the controller has made. */
  note(observation: Observation): void;
  /** For the auditor; listeners hear when it becomes another. */
  window(): FaultWindow;
  onWindow(listener: () => void): void;
  /** Puts fresh figures into the state; called once a second. */
  publish(): void;
  /** Takes everything back and waits for it, at most `withinMs`; nothing is injected or tried again afterwards. */
  close(withinMs: number): Promise<void>;
}

/** No faults yet. `plan` throws a `ProblemError` where a fault cannot be planned. */
export function createFaults(parts: {
  plan: (id: string, request: FaultRequest) => Promise<Plan>;
  state: ChaosState;
  report: Report;
}): Faults {
  const { plan: planFor, state, report } = parts;
  const register = createRegister(state);
  const leaving = new AbortController();
  const closed = new AbortController();
  const life = createLife({ register, report, leaving: leaving.signal, closed: closed.signal });

  const refuseWhileLeaving = (): void => {
    if (leaving.signal.aborted) throw new ProblemError('unavailable', 'The controller is shutting down.');
  };
  /** Begins to end those that are active. */
  const endAll = (chosen: readonly Entry[]): Entry[] => {
    const asked = chosen.filter((entry) => entry.state === 'active');
    for (const entry of asked) void life.end(entry);
    return asked;
  };
  const heal = async (chosen: readonly Entry[]): Promise<void> => {
    const asked = endAll(chosen);
    await Promise.race([Promise.all(asked.map(({ over }) => over)), pause(healPatienceMs)]);
  };
  const find = (id: string): Entry | undefined => register.entries().find((entry) => entry.id === id);

  return {
    inject: async (request) => {
      refuseWhileLeaving();
      const id = randomUUIDv7();
      const plan = await planFor(id, request);
      refuseWhileLeaving();
      if (register.unfinished().length >= mostUnfinished) {
        throw new ProblemError('conflict', `At most ${mostUnfinished} faults at a time: heal some first.`);
      }
      const entry = newEntry(id, request, plan);
      register.add(entry);
      await Promise.race([life.begin(entry), pause(injectPatienceMs)]);
      return shown(entry);
    },
    heal: async (id) => {
      const entry = find(id);
      if (entry === undefined) return null;
      await heal([entry]);
      return shown(entry);
    },
    healAll: async () => {
      await heal(register.entries());
      return register.entries().map(shown);
    },
    list: () => register.entries().map(shown),
    find: (id) => {
      const entry = find(id);
      return entry === undefined ? null : shown(entry);
    },
    busy: () => register.felt().length > 0,
    note: (observation) => {
      for (const { receipt } of register.entries()) if (!receipt.settled) receipt.note(observation);
    },
    window: () => register.window.window(),
    onWindow: (listener) => register.window.onChange(listener),
    publish: () => register.publish(),
    close: async (withinMs) => {
      leaving.abort();
      endAll(register.entries());
      await Promise.race([life.idle(), pause(withinMs)]);
      closed.abort();
      for (const entry of register.entries()) {
        clearTimeout(entry.timer);
        entry.watching.abort();
      }
    },
  };
}
