/**
 * Follows every saga: what has moved since somebody looked last, for `GET /moves` and for whoever judges the orders.
 *
 * Steps of one saga become visible in their order, because each is guarded by the version of the one before. Between
 * sagas there is no order to miss anything by: the cursor counts what was found here, and not when it was committed.
 */
import { randomBytes } from 'node:crypto';
import type { Move, Moves } from '@ballast/contracts';
import type { Database, Queryable } from '@ballast/postgres';
import { lowestAt } from './domain/uuid7.ts';
import { countByState, movedSagas, stepsBehind, type MoveRow, type SagaRow } from './store/follow.ts';
import { inSnapshot } from './store/snapshot.ts';

export interface Follower {
  /** Reads what has moved. Callers that come while somebody reads get what that one brings. Rejects with a `DatabaseError`. */
  follow(): Promise<void>;
  /** Transitions behind a cursor, reading anew where the last look was a while ago. */
  moves(after: string | undefined): Promise<Moves>;
  /** Orders that have moved since this was called last. */
  takeChanged(): Change[];
}

/** An order that has moved, and where it was after that. */
export interface Change {
  orderId: string;
  state: string;
}

/** Ids are made before their rows are committed: how far back new ones are looked for, in ms. */
const overlapMs = 5_000;
/** Without a cursor, what happened in so many ms is told. */
const recentMs = 10_000;
/** After the database was away for long: who moved before that is found by the walk through all orders. */
const longestGapMs = 120_000;
/** An answer to `GET /moves` may be as old as this, in ms. */
const freshMs = 200;
const ringSize = 20_000;
const mostTold = 2_000;
/** Changes remembered for `takeChanged`; what comes on top is found by the walk. */
const mostChanges = 20_000;
/** The whole count costs this many times its own time in pauses, so that it takes a hundredth of a connection. */
const countPauses = 100;
const countEveryMs = 10_000;

export function createFollower(database: Database, now: () => number = Date.now): Follower {
  const epoch = randomBytes(6).toString('hex');
  /** Version by saga: of those that are young or under way. */
  const versions = new Map<string, { version: number; done: boolean }>();
  const ring: Move[] = [];
  /** Number of the first in the ring. */
  let first = 0;
  let changes = new Map<string, string>();
  let totals = new Map<string, number>();
  let countAt = 0;
  let followedAt: number | null = null;
  let following: Promise<void> | undefined;

  const isDone = ({ state }: SagaRow): boolean => state === 'Completed' || state === 'Compensated';

  /** Sagas with steps nobody has seen, by the last step that was. What was under way before the first look is taken as it is. */
  const rowsUnseen = (rows: readonly SagaRow[], isFirst: boolean, young: string): Map<string, number> => {
    const behind = new Map<string, number>();
    for (const { id, version } of rows) {
      const seen = versions.get(id)?.version ?? (isFirst && id < young ? version : 0);
      if (version > seen) behind.set(id, seen);
    }
    return behind;
  };

  const remember = (steps: readonly MoveRow[], rows: readonly SagaRow[], counted: boolean): void => {
    const states = new Map(rows.map(({ id, state }) => [id, state]));
    for (const step of steps.toSorted((a, b) => a.at.getTime() - b.at.getTime() || a.seq - b.seq)) {
      ring.push({
        orderId: step.saga_id,
        seq: step.seq,
        from: step.from_state,
        event: step.event,
        to: step.to_state,
        at: step.at.toISOString(),
      });
      if (changes.size < mostChanges) changes.set(step.saga_id, states.get(step.saga_id) ?? step.to_state);
      if (!counted) {
        add(step.from_state, -1);
        add(step.to_state, 1);
      }
    }
    if (ring.length > ringSize) first += ring.splice(0, ring.length - ringSize).length;
  };
  const add = (state: string | null, by: number): void => {
    if (state !== null) totals.set(state, Math.max(0, (totals.get(state) ?? 0) + by));
  };

  /** In one snapshot, so that a step is either in the count or told later, and never both. */
  const read = async (snapshot: Queryable): Promise<void> => {
    const begun = now();
    const isFirst = followedAt === null;
    const from = isFirst ? begun - recentMs : Math.max(followedAt! - overlapMs, begun - longestGapMs);
    const young = lowestAt(from);
    const underWay = [...versions].flatMap(([id, { done }]) => (!done && id < young ? [id] : []));
    const rows = await movedSagas(snapshot, { id: young, at: isFirst ? '-infinity' : new Date(from) }, underWay);
    const behind = rowsUnseen(rows, isFirst, young);
    const steps = await stepsBehind(snapshot, behind);
    const isCounted = performance.now() >= countAt;
    const counted = isCounted ? await count(snapshot) : undefined;
    // Nothing is taken before all of it was read: a look that fails half way is done again as a whole.
    for (const row of rows) {
      if (isDone(row) && row.id < young) versions.delete(row.id);
      else versions.set(row.id, { version: row.version, done: isDone(row) });
    }
    for (const [id, { done }] of versions) if (done && id < young) versions.delete(id);
    if (counted !== undefined) totals = counted;
    remember(steps, rows, isCounted);
    followedAt = begun;
  };

  const count = async (snapshot: Queryable): Promise<Map<string, number>> => {
    const begun = performance.now();
    const counted = await countByState(snapshot);
    countAt = performance.now() + Math.max(countEveryMs, countPauses * (performance.now() - begun));
    return counted;
  };

  const follow = (): Promise<void> =>
    (following ??= inSnapshot(database, read).finally(() => {
      following = undefined;
    }));

  /** Number in the ring that a cursor stands at; undefined for one of another life, or none. */
  const placeOf = (cursor: string | undefined): number | undefined => {
    const [of, place] = (cursor ?? '').split('-');
    return of === epoch && /^\d{1,15}$/.test(place ?? '') ? Number(place) : undefined;
  };

  return {
    follow,
    moves: async (after) => {
      if (followedAt === null || now() - followedAt > freshMs) await follow();
      const since = new Date(now() - recentMs).toISOString();
      const recent = ring.findIndex(({ at }) => at >= since);
      const begin = Math.max(first, placeOf(after) ?? first + (recent === -1 ? ring.length : recent));
      const items = ring.slice(begin - first, begin - first + mostTold);
      return { items, cursor: `${epoch}-${begin + items.length}`, totals: Object.fromEntries(totals) };
    },
    takeChanged: () => {
      const taken = [...changes].map(([orderId, state]) => ({ orderId, state }));
      changes = new Map();
      return taken;
    },
  };
}
