/**
 * Runs a request once per key. Who claims the key works; the others are told that it is being worked on, or get the
 * stored answer. A claim is a lease: if its holder dies, the next caller after the lease takes the key over.
 *
 * A takeover sends the same request again. So there is one effect if what the work calls is idempotent by the same key,
 * or if the effect is in the database of these tables and commits together with the answer (`Hold.store`).
 */
import { randomUUID } from 'node:crypto';
import { declareFailPoints, defect, failPoint } from '@ballast/faults';
import { createBatcher, realClock, type Clock, type Database, type Timer, type Transaction } from '@ballast/postgres';
import type { Settlement } from './settlement.ts';
import type { ClaimRow } from './sql.ts';
import { postgresKeys, type Claim, type CommitHook, type IdempotencyStore, type Turn } from './store.ts';
import { startSweeping } from './sweep.ts';

declareFailPoints({
  'after-claim': 'a key is taken and its work is not begun yet',
  'before-store': 'a key’s work is done and its answer is not kept yet',
});

/** A request under its key. */
export interface KeyedRequest {
  /** Whose key it is. */
  principal: string;
  /** What is called, e.g. `POST /api/orders`. */
  route: string;
  key: string;
  /** 32 bytes; see `fingerprintOf`. */
  fingerprint: Buffer;
}

/** What is stored and given again. */
export interface Answer {
  status: number;
  /** Only those that belong to the answer: content type, location. */
  headers: Record<string, string>;
  body: Buffer;
}

/**
 * - `answered`  `work` has run, by this caller
 * - `replayed`  it had run before; this is what was answered
 * - `running`   somebody else is at it; ask again in so many seconds (409)
 * - `reused`    the key belongs to another request (422)
 */
export type Outcome<Given extends Answer> =
  | { outcome: 'answered'; answer: Given }
  | { outcome: 'replayed'; answer: Answer }
  | { outcome: 'running'; retryAfterSeconds: number }
  | { outcome: 'reused' };

/** What happened, for metrics. `superseded`: an answer came after the lease was over and the key taken over. */
export type IdempotencyEvent = 'first' | 'taken-over' | 'replayed' | 'running' | 'reused' | 'superseded';

/** The turn of the one who works. */
export interface Hold<OwnTransaction extends CommitHook = Transaction> {
  /**
   * Stores the answer in the caller's transaction, so that effect and answer are one commit. Throws `LeaseLost` when
   * the key was taken over, which must roll the effect back: let it pass.
   */
  store(transaction: OwnTransaction, answer: Answer): Promise<void>;
}

export interface Idempotency<OwnTransaction extends CommitHook = Transaction> {
  /**
   * Claims the key and, if it was free, calls `work`. Resolves to what the caller is to be told. Rejects with what
   * `work` throws (the lease is given back then, the fingerprint stays), or with a retryable error when the key could
   * not be claimed; then `work` was not called.
   */
  once<Given extends Answer>(
    request: KeyedRequest,
    work: (hold: Hold<OwnTransaction>) => Promise<Given>,
  ): Promise<Outcome<Given>>;
  /** Begins to forget old keys, now and then. */
  start(): void;
  /** Stops that, and waits for answers that are still being stored. */
  stop(): Promise<void>;
}

export interface IdempotencyOptions {
  /** Names this process in rows that it holds. */
  name: string;
  /** The longest `work` takes, in ms: it must have a limit of its own. */
  workMs: number;
  /** How long a holder is believed to be alive, in ms; what it has beyond `workMs` is for claiming and storing. */
  leaseMs: number;
  /** What to do with the key after an answer, e.g. by `settlementOf`. */
  settle: (answer: Answer) => Settlement;
  /** How long keys are kept after the first request, in ms; default 24 hours. */
  keepMs?: number;
  /** Largest body stored, in bytes; a larger answer is given and not kept. */
  maxBodyBytes?: number;
  /** The longest a caller whose answer is there waits for it to be stored, in ms. */
  storeWithinMs?: number;
  onEvent?: (event: IdempotencyEvent) => void;
  /** Told of answers that could not be stored and of failed sweeps. */
  onError?: (what: string, error: unknown) => void;
  clock?: Clock;
  /** Ids that nobody else gives out: they tell one turn from another. */
  newId?: () => string;
}

/** The key was taken over by somebody else, because the lease was over. */
export class LeaseLost extends Error {
  readonly retryable = true;
  constructor() {
    super('the idempotency key was taken over');
    this.name = 'LeaseLost';
  }
}

/** Claiming took so long that the lease could end under the work. */
class ClaimedTooLate extends Error {
  readonly retryable = true;
  constructor() {
    super('the idempotency key was claimed too late to begin');
    this.name = 'ClaimedTooLate';
  }
}

const hourMs = 3_600_000;
/** Statements of a kind in flight: while one commits, the next is under way. Four of the pool's connections in all. */
const lanes = 2;
/** Looks at a key that was free and gone again each time. */
const mostLooks = 3;

/**
 * On a database whose first schema has the tables of `idempotencyMigrations`, or on any other store. Throws a
 * `RangeError` for a lease that is no longer than the work.
 */
export function createIdempotency(options: IdempotencyOptions & { database: Database }): Idempotency;
export function createIdempotency<OwnTransaction extends CommitHook>(
  options: IdempotencyOptions & { store: IdempotencyStore<OwnTransaction> },
): Idempotency<OwnTransaction>;
export function createIdempotency(
  options: IdempotencyOptions & ({ database: Database } | { store: IdempotencyStore }),
): Idempotency {
  const { name, workMs, leaseMs, onEvent = () => {}, onError = () => {} } = options;
  const { clock = realClock, newId = randomUUID } = options;
  const { keepMs = 24 * hourMs, maxBodyBytes = 65_536, storeWithinMs = 1_000 } = options;
  if (leaseMs <= workMs) throw new RangeError('the lease must be longer than the work');
  const store = 'store' in options ? options.store : postgresKeys(options.database);
  const storing = new Set<Promise<void>>();
  let stopSweeping: (() => Promise<void>) | undefined;

  const claimAll = (claims: readonly Claim[]): Promise<readonly ClaimRow[]> => store.claim(claims, { leaseMs, keepMs });
  const claim = createBatcher<Claim, ClaimRow>({
    key: batchKey,
    lanes,
    one: async (item) => (await claimAll([item]))[0]!,
    many: claimAll,
    clock,
  });
  /** Whether each still had its key. */
  const settleAll = async (turns: readonly Turn[]): Promise<boolean[]> => {
    const held = await store.settle(turns);
    return turns.map((turn) => held.has(turn.holder));
  };
  const settle = createBatcher<Turn, boolean>({
    key: batchKey,
    lanes,
    one: async (turn) => (await settleAll([turn]))[0]!,
    many: settleAll,
    clock,
  });

  /** Ends a turn. The caller has the real answer, so it waits for a moment only, and failure is not its business. */
  const end = async (turn: Turn): Promise<void> => {
    const stored = settle(turn).then(
      (held) => {
        if (!held) onEvent('superseded');
      },
      // The row stays held until the lease is over; then the same request may run again.
      (error: unknown) => onError('the answer under an idempotency key could not be stored', error),
    );
    storing.add(stored);
    void stored.finally(() => storing.delete(stored));
    await atMost(storeWithinMs, stored, clock);
  };

  const run = async <Given extends Answer>(
    { principal, route, key, holder }: Claim,
    work: (hold: Hold) => Promise<Given>,
  ): Promise<Given> => {
    const turn = { principal, route, key, holder };
    let committed = false;
    const hold: Hold = {
      store: async (transaction, answer) => {
        const held = await store.settle([{ ...turn, forget: false, answer }], transaction);
        if (!held.has(holder)) throw new LeaseLost();
        transaction.afterCommit(() => {
          committed = true;
        });
      },
    };
    let answer: Given;
    try {
      await failPoint('after-claim');
      answer = await work(hold);
      await failPoint('before-store');
    } catch (error) {
      await end({ ...turn, forget: false, answer: null });
      throw error;
    }
    if (committed) return answer;
    const settlement = options.settle(answer);
    const keep = settlement === 'store' && answer.body.length <= maxBodyBytes;
    await end({ ...turn, forget: settlement === 'forget', answer: keep ? answer : null });
    return answer;
  };

  return {
    once: async (request, work) => {
      const askedAt = clock.now();
      const mine = { ...request, holder: `${name}/${newId()}` };
      for (let look = 1; ; look += 1) {
        const row = await claim(mine);
        if (row.claimed) {
          // The lease began when the server saw the claim, at the earliest when it was asked for.
          if (clock.now() - askedAt > leaseMs - workMs) {
            await end({ ...mine, forget: !row.known, answer: null });
            throw new ClaimedTooLate();
          }
          onEvent(row.known ? 'taken-over' : 'first');
          return { outcome: 'answered', answer: await run(mine, work) };
        }
        // Free and yet not ours: another replica inserted it between our look and our insert. The next look sees it.
        if (row.free && look < mostLooks) continue;
        const outcome = read(row, leaseMs);
        if (outcome.outcome === 'running' && defect('idempotency.no-lease')) {
          return { outcome: 'answered', answer: await run(mine, work) };
        }
        onEvent(outcome.outcome);
        return outcome;
      }
    },
    start: () => {
      stopSweeping ??= startSweeping({ store, keepMs, onError, clock });
    },
    stop: async () => {
      await stopSweeping?.();
      await Promise.all(storing);
    },
  };
}

/** What a row that is not to be had tells the caller. */
function read(row: ClaimRow, leaseMs: number): Exclude<Outcome<never>, { outcome: 'answered' }> {
  if (row.same === false && !defect('idempotency.no-fingerprint')) return { outcome: 'reused' };
  // What is free and could not be had in several looks belongs to somebody who is at it now.
  if (row.status !== null && !row.free) {
    return { outcome: 'replayed', answer: { status: row.status, headers: row.headers!, body: row.body! } };
  }
  // Most are done at once. Who has been at it for seconds is slow, or dead: then it is the end of the lease that helps.
  const left = row.held_for ?? 0;
  const seconds = Math.ceil(Math.min(left, leaseMs - left) / 1000);
  return { outcome: 'running', retryAfterSeconds: Math.max(1, seconds) };
}

type Key = Pick<KeyedRequest, 'principal' | 'route' | 'key'>;

const batchKey = ({ principal, route, key }: Key): string => JSON.stringify([principal, route, key]);

/** Resolves with `work`, or after that many milliseconds. */
async function atMost(milliseconds: number, work: Promise<void>, clock: Clock): Promise<void> {
  let timer: Timer | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, patience]);
  clock.clearTimeout(timer);
}
