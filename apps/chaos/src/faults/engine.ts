/**
 * Every fault from its injection to the moment what it hurt works again.
 *
 * | state        | it is left                                                                                          |
 * | ------------ | --------------------------------------------------------------------------------------------------- |
 * | `active`     | at `until`, by a click, when it has ended by itself, or when another takes its place; ending it is  |
 * |              | tried again until it works, with the reason in `detail`                                             |
 * | `recovering` | when everything it touched is ready again, asked five times a second                                |
 * | `healed`     | never                                                                                               |
 * | `failed`     | never; what was done in part is taken back                                                          |
 */
import { randomUUIDv7 } from 'node:crypto';
import type { Fault, FaultRequest } from '@ballast/contracts';
import { ProblemError, type Report } from '@ballast/service';
import { messageOf } from '../clients/http.ts';
import { createReceipt, type Observation, type Receipt } from '../domain/receipt.ts';
import type { ChaosState } from '../state.ts';
import { pause, type Plan } from './lever.ts';

/** Faults that are not over, at most; and how many of those that are over are remembered. */
const mostUnfinished = 50;
const mostFinished = 200;

/** Between tries to end a fault, in ms: soon at first. */
const endAgainMs = (tries: number): number => Math.min(2_000, 100 * 2 ** Math.min(tries, 5));
const readyLookMs = 200;
/** Who is not ready by then, in ms, is asked once a second. */
const patienceMs = 60_000;
const slowLookMs = 1_000;
/** How long a recovery counts as fault time for the auditor, in ms: after that what is wrong is wrong. */
const recoveryGraceMs = 30_000;
/** How long an order to heal waits for its end before it is answered, in ms. */
const healPatienceMs = 3_000;
const injectPatienceMs = 4_000;

export interface FaultWindow {
  active: boolean;
  lastHealAt: string | null;
}

export interface Faults {
  /** Resolves once it is injected, or failed, or (with it still under way) after a few seconds. Throws a `ProblemError` where the target is unknown, or there are too many. */
  inject(request: FaultRequest): Promise<Fault>;
  /** Ends one; resolves when that has worked or after three seconds. Null where there is none with that id. */
  heal(id: string): Promise<Fault | null>;
  /** Ends all. */
  healAll(): Promise<readonly Fault[]>;
  list(): readonly Fault[];
  find(id: string): Fault | null;
  /** Whether any is active or recovering. */
  busy(): boolean;
  /** Told of each request the controller has made. */
  note(observation: Observation): void;
  /** For the auditor; `changed` listeners hear when it becomes another. */
  window(): FaultWindow;
  onWindow(listener: () => void): void;
  /** Puts fresh figures into the state; called once a second. */
  publish(): void;
  /** Ends all and waits for it, at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}

/** A fault with what the engine needs for it. */
interface Entry {
  id: string;
  request: FaultRequest;
  plan: Plan;
  receipt: Receipt;
  state: Fault['state'];
  injectedAt: number;
  until: number;
  endedAt: number | null;
  recovery: number | null;
  detail: string | null;
  timer: NodeJS.Timeout | undefined;
  /** Stops looking whether it has ended by itself. */
  watching: AbortController;
  /** Resolves when it is really over. */
  over: Promise<void>;
  isOver: () => void;
  injecting: boolean;
  ending: boolean;
  /** To be ended as soon as it is injected. */
  endWanted: boolean;
  /** Another has taken its place: what is there is no longer its own to take back. */
  replaced: boolean;
}

export function createFaults(parts: {
  plan: (id: string, request: FaultRequest) => Promise<Plan>;
  state: ChaosState;
  report: Report;
}): Faults {
  const { plan: planFor, state, report } = parts;
  let entries: Entry[] = [];
  const closing = new AbortController();
  let lastHealAt: number | null = null;
  let wasActive = false;
  const windowListeners: (() => void)[] = [];

  const unfinished = (): Entry[] => entries.filter((entry) => entry.state === 'active' || entry.state === 'recovering');
  const isActive = (): boolean => {
    const now = Date.now();
    // A control is no fault in this sense: what it breaks has to be seen at once.
    return unfinished().some(
      ({ state: at, endedAt, request }) =>
        request.kind !== 'control' && (at === 'active' || now - (endedAt ?? now) < recoveryGraceMs),
    );
  };
  const lookAtWindow = (): void => {
    const active = isActive();
    if (active === wasActive) return;
    wasActive = active;
    if (!active) lastHealAt = Date.now();
    for (const listener of windowListeners) listener();
  };
  const forget = (): void => {
    let kept = 0;
    entries = entries.filter((entry) => {
      if (entry.state === 'active' || entry.state === 'recovering') return true;
      kept += 1;
      return kept <= mostFinished;
    });
  };
  const publish = (): void => {
    forget();
    state.set('faults', entries.map(shown));
    lookAtWindow();
  };

  /** What there can be one of only is begun and ended one after the other. */
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = async (entry: Entry, work: () => Promise<void>): Promise<void> => {
    const { exclusive } = entry.plan;
    if (exclusive === null) return await work();
    const before = turns.get(exclusive);
    const mine = Promise.allSettled([before]).then(work);
    turns.set(exclusive, mine);
    try {
      await mine;
    } finally {
      if (turns.get(exclusive) === mine) turns.delete(exclusive);
    }
  };

  const healed = (entry: Entry, detail: string | null): void => {
    entry.state = 'healed';
    entry.detail = detail;
    entry.receipt.close();
    publish();
  };
  const recover = async (entry: Entry, detail: string | null): Promise<void> => {
    const endedAt = entry.endedAt ?? Date.now();
    const clock = performance.now();
    while (!closing.signal.aborted) {
      const waiting = await stillWaiting(entry.plan);
      const elapsed = performance.now() - clock;
      if (waiting.length === 0) {
        entry.recovery = Math.round(elapsed);
        healed(entry, detail);
        return;
      }
      const said = `Not ready yet: ${waiting.join('; ')}`.slice(0, 500);
      if (entry.detail !== said) {
        entry.detail = said;
        publish();
      }
      await pause(Date.now() - endedAt > patienceMs ? slowLookMs : readyLookMs, closing.signal);
    }
  };
  const ended = (entry: Entry, detail: string | null): void => {
    if (entry.state !== 'active') return;
    clearTimeout(entry.timer);
    entry.watching.abort();
    entry.endedAt = Date.now();
    entry.state = 'recovering';
    entry.detail = detail;
    entry.isOver();
    publish();
    void recover(entry, detail);
  };
  /** Takes it back, again and again until it has worked. */
  const end = async (entry: Entry): Promise<void> => {
    if (entry.injecting) entry.endWanted = true;
    if (entry.injecting || entry.ending || entry.state !== 'active') return;
    entry.ending = true;
    clearTimeout(entry.timer);
    for (let tries = 0; entry.state === 'active'; tries += 1) {
      try {
        await inTurn(entry, async () => {
          if (!entry.replaced) await entry.plan.end();
        });
        ended(entry, null);
      } catch (error) {
        report('a fault cannot be ended yet', error, { fault: entry.plan.title });
        // It may have ended by itself meanwhile.
        if (entry.state !== 'active') return;
        entry.detail = `It cannot be ended yet: ${messageOf(error)}`.slice(0, 500);
        publish();
        await pause(endAgainMs(tries));
      }
    }
  };
  /** What could not be injected may have been done in part, or whole with the answer lost. */
  const undo = async (entry: Entry): Promise<void> => {
    for (let tries = 0; Date.now() < entry.until && !entry.replaced; tries += 1) {
      try {
        await inTurn(entry, async () => {
          if (!entry.replaced && !isShared(entry)) await entry.plan.end();
        });
        return;
      } catch (error) {
        report('a fault that failed cannot be taken back yet', error, { fault: entry.plan.title });
        await pause(endAgainMs(tries), closing.signal);
      }
    }
  };
  /** Whether there is another of what there can be one of only: then what is there is that one's. */
  const isShared = ({ plan }: Entry): boolean =>
    plan.exclusive !== null &&
    entries.some((other) => other.state === 'active' && other.plan.exclusive === plan.exclusive);
  const replaceOthers = (entry: Entry): void => {
    for (const other of unfinished()) {
      if (other === entry || entry.plan.exclusive === null || other.plan.exclusive !== entry.plan.exclusive) continue;
      other.replaced = true;
      if (other.state !== 'active') continue;
      clearTimeout(other.timer);
      other.watching.abort();
      other.endedAt = Date.now();
      other.isOver();
      healed(other, 'Another fault has taken its place.');
    }
  };
  const begin = async (entry: Entry): Promise<void> => {
    try {
      await inTurn(entry, async () => {
        await entry.plan.inject();
        replaceOthers(entry);
      });
    } catch (error) {
      entry.injecting = false;
      entry.state = 'failed';
      entry.endedAt = Date.now();
      entry.detail = messageOf(error).slice(0, 500);
      entry.receipt.close();
      entry.isOver();
      publish();
      void undo(entry);
      return;
    }
    entry.injecting = false;
    entry.injectedAt = Date.now();
    entry.until = entry.plan.lasts ? entry.injectedAt + entry.request.seconds * 1_000 : entry.injectedAt;
    entry.detail = null;
    if (!entry.plan.lasts) {
      ended(entry, null);
      return;
    }
    if (entry.endWanted || closing.signal.aborted) {
      await end(entry);
      return;
    }
    entry.timer = setTimeout(() => void end(entry), entry.until - Date.now());
    publish();
    void entry.plan.watch?.(entry.watching.signal, (detail) => ended(entry, detail));
  };

  const heal = async (chosen: readonly Entry[]): Promise<void> => {
    const asked = chosen.filter((entry) => entry.state === 'active');
    for (const entry of asked) void end(entry);
    await Promise.race([Promise.all(asked.map(({ over }) => over)), pause(healPatienceMs)]);
  };

  return {
    inject: async (request) => {
      if (closing.signal.aborted) throw new ProblemError('unavailable', 'The controller is shutting down.');
      const id = randomUUIDv7();
      const plan = await planFor(id, request);
      if (unfinished().length >= mostUnfinished) {
        throw new ProblemError('conflict', `At most ${mostUnfinished} faults at a time: heal some first.`);
      }
      const entry = newEntry(id, request, plan);
      entries = [entry, ...entries];
      publish();
      await Promise.race([begin(entry), pause(injectPatienceMs)]);
      return shown(entry);
    },
    heal: async (id) => {
      const entry = entries.find((each) => each.id === id);
      if (entry === undefined) return null;
      await heal([entry]);
      return shown(entry);
    },
    healAll: async () => {
      await heal(entries);
      return entries.map(shown);
    },
    list: () => entries.map(shown),
    find: (id) => {
      const entry = entries.find((each) => each.id === id);
      return entry === undefined ? null : shown(entry);
    },
    busy: () => unfinished().length > 0,
    note: (observation) => {
      for (const entry of entries) if (!entry.receipt.settled) entry.receipt.note(observation);
    },
    window: () => ({ active: isActive(), lastHealAt: lastHealAt === null ? null : new Date(lastHealAt).toISOString() }),
    onWindow: (listener) => void windowListeners.push(listener),
    publish,
    close: async (withinMs) => {
      const active = entries.filter((entry) => entry.state === 'active');
      for (const entry of active) void end(entry);
      await Promise.race([Promise.all(active.map(({ over }) => over)), pause(withinMs)]);
      closing.abort();
      for (const entry of entries) {
        clearTimeout(entry.timer);
        entry.watching.abort();
      }
    },
  };
}

/** That it cannot be asked is a reason like any other. */
async function stillWaiting(plan: Plan): Promise<readonly string[]> {
  try {
    return await plan.waiting();
  } catch (error) {
    return [messageOf(error)];
  }
}

function newEntry(id: string, request: FaultRequest, plan: Plan): Entry {
  const { promise, resolve } = Promise.withResolvers<void>();
  const now = Date.now();
  return {
    id,
    request,
    plan,
    receipt: createReceipt(),
    state: 'active',
    injectedAt: now,
    until: now + request.seconds * 1_000,
    endedAt: null,
    recovery: null,
    detail: 'It is being injected.',
    timer: undefined,
    watching: new AbortController(),
    over: promise,
    isOver: resolve,
    injecting: true,
    ending: false,
    endWanted: false,
    replaced: false,
  };
}

function shown(entry: Entry): Fault {
  const { id, request, plan, state, injectedAt, until, endedAt, detail, receipt, recovery } = entry;
  return {
    id,
    request,
    title: plan.title,
    nodes: [...plan.nodes],
    links: [...plan.links],
    state,
    injectedAt: new Date(injectedAt).toISOString(),
    until: new Date(until).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    detail,
    receipt: { ...receipt.figures(), kind: plan.kind, recovery },
  };
}
