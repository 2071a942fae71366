/**
 * A fault's way from its injection to the moment what it hurt works again.
 *
 * | state        | it is left                                                                                          |
 * | ------------ | --------------------------------------------------------------------------------------------------- |
 * | `active`     | at `until`, by a click, when it has ended by itself, or when another takes its place; ending it is  |
 * |              | tried again until it works, with the reason in `detail`                                             |
 * | `recovering` | when everything it touched is ready again, asked five times a second                                |
 * | `healed`     | never                                                                                               |
 * | `failed`     | never; what was done in part, or whole with the answer lost, is taken back, again until that works  |
 */
import type { Report } from '@ballast/service';
import { messageOf } from '../clients/http.ts';
import type { Entry } from './entry.ts';
import { pause, type Plan } from './lever.ts';
import type { Register } from './register.ts';
import { createTurns } from './turns.ts';

/** Between tries to end a fault, in ms: soon at first. One that failed may not be there at all, and is in less of a hurry. */
const endAgainMs = (tries: number): number => Math.min(2_000, 100 * 2 ** Math.min(tries, 5));
const undoAgainMs = (tries: number): number => Math.min(10_000, 100 * 2 ** Math.min(tries, 7));
/** The same while the controller ends, at most. */
const lastAgainMs = 250;
const readyLookMs = 200;
/** Who is not ready by then, in ms, is asked once a second. */
const patienceMs = 60_000;
const slowLookMs = 1_000;

export interface Life {
  /** Injects it, and sees to its end. Resolves once it is injected, or has failed. */
  begin(entry: Entry): Promise<void>;
  /** Takes an active one back, again and again until it has worked. */
  end(entry: Entry): Promise<void>;
  /** Resolves when nothing is being injected or taken back. */
  idle(): Promise<void>;
}

/**
 * From the abort of `leaving` on, what is injected is taken back at once, and nobody rests long between two tries; from
 * that of `closed` on nothing is tried or looked at any more.
 */
export function createLife(parts: {
  register: Register;
  report: Report;
  leaving: AbortSignal;
  closed: AbortSignal;
}): Life {
  const { register, report, leaving, closed } = parts;
  const turns = createTurns();
  const underWay = new Set<Promise<void>>();
  const counted = (work: Promise<void>): Promise<void> => {
    underWay.add(work);
    return work.finally(() => underWay.delete(work));
  };
  const rest = (milliseconds: number): Promise<void> =>
    leaving.aborted ? pause(Math.min(milliseconds, lastAgainMs), closed) : pause(milliseconds, leaving);
  const inTurn = async ({ plan }: Entry, work: () => Promise<void>): Promise<void> =>
    plan.exclusive === null ? await work() : await turns(plan.exclusive, work);

  const healed = (entry: Entry, detail: string | null): void => {
    entry.state = 'healed';
    entry.detail = detail;
    entry.receipt.close();
    register.publish();
  };
  const recover = async (entry: Entry, detail: string | null): Promise<void> => {
    const endedAt = entry.endedAt ?? Date.now();
    const clock = performance.now();
    while (!closed.aborted) {
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
        register.publish();
      }
      await pause(Date.now() - endedAt > patienceMs ? slowLookMs : readyLookMs, closed);
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
    register.publish();
    void recover(entry, detail);
  };
  const takeBack = async (entry: Entry): Promise<void> => {
    clearTimeout(entry.timer);
    for (let tries = 0; entry.state === 'active' && !closed.aborted; tries += 1) {
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
        register.publish();
        await rest(endAgainMs(tries));
      }
    }
  };
  const end = async (entry: Entry): Promise<void> => {
    if (entry.injecting) entry.endWanted = true;
    if (entry.injecting || entry.ending || entry.state !== 'active') return;
    entry.ending = true;
    await counted(takeBack(entry));
  };
  /** What could not be injected may have been done in part, or whole with the answer lost. */
  const undo = async (entry: Entry): Promise<void> => {
    for (let tries = 0; isWorthATry(entry); tries += 1) {
      try {
        await inTurn(entry, async () => {
          if (!entry.replaced && !isShared(entry)) await entry.plan.end();
        });
        break;
      } catch (error) {
        report('a fault that failed cannot be taken back yet', error, { fault: entry.plan.title });
        await rest(undoAgainMs(tries));
      }
    }
    entry.undoing = false;
    register.publish();
  };
  /** As long as it is remembered: so there are never more of them than that. */
  const isWorthATry = (entry: Entry): boolean =>
    !closed.aborted && !entry.replaced && register.entries().includes(entry);
  /** Whether there is another of what there can be one of only: then what is there is that one's. */
  const isShared = ({ plan }: Entry): boolean =>
    plan.exclusive !== null &&
    register.entries().some((other) => other.state === 'active' && other.plan.exclusive === plan.exclusive);
  const replaceOthers = (entry: Entry): void => {
    for (const other of register.unfinished()) {
      if (other === entry || entry.plan.exclusive === null || other.plan.exclusive !== entry.plan.exclusive) continue;
      // Its turn comes after this one, whose place it will take.
      if (other.injecting) continue;
      other.replaced = true;
      if (other.state !== 'active') continue;
      clearTimeout(other.timer);
      other.watching.abort();
      other.endedAt = Date.now();
      other.isOver();
      healed(other, 'Another fault has taken its place.');
    }
  };
  const failed = (entry: Entry, error: unknown): void => {
    entry.injecting = false;
    entry.state = 'failed';
    entry.endedAt = Date.now();
    entry.detail = messageOf(error).slice(0, 500);
    entry.receipt.close();
    entry.undoing = true;
    entry.isOver();
    register.publish();
    void counted(undo(entry));
  };
  const begin = async (entry: Entry): Promise<void> => {
    try {
      await inTurn(entry, async () => {
        await entry.plan.inject();
        replaceOthers(entry);
      });
    } catch (error) {
      failed(entry, error);
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
    if (entry.endWanted || leaving.aborted) {
      await end(entry);
      return;
    }
    entry.timer = setTimeout(() => void end(entry), entry.until - Date.now());
    register.publish();
    void entry.plan.watch?.(entry.watching.signal, (detail) => ended(entry, detail));
  };

  return {
    begin: (entry) => counted(begin(entry)),
    end,
    idle: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
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
