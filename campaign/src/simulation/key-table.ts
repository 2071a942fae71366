/** The table of libs/idempotency in memory: what its SQL says, on the database of this folder. */
import { defect } from '@ballast/faults';
import type { Answer, Claim, ClaimRow, IdempotencyStore, Turn } from '@ballast/idempotency';
import { Table, type OwnTransaction, type Session, type Work } from './database.ts';

interface Row {
  fingerprint: Buffer;
  holder: string | null;
  heldUntil: number | null;
  answer: Answer | null;
  createdAt: number;
}

const keyOf = ({ principal, route, key }: Pick<Claim, 'principal' | 'route' | 'key'>): string =>
  `${principal} ${route} ${key}`;

export class KeyTable {
  readonly keys = new Table<Row>();

  store(session: Pick<Session, 'run'>): IdempotencyStore<OwnTransaction> {
    return {
      claim: (claims, limits) => session.run((work) => this.#claim(work, claims, limits)),
      settle: (turns, transaction) => (transaction ?? session).run((work) => this.#settle(work, turns)),
      // Worlds are younger than a day.
      sweep: async () => 0,
    };
  }

  *#claim(
    work: Work,
    claims: readonly Claim[],
    { leaseMs, keepMs }: { leaseMs: number; keepMs: number },
  ): Generator<Work, ClaimRow[], void> {
    const expired = (row: Row): boolean => row.createdAt <= work.at - keepMs;
    const takeable = (row: Row, claim: Claim): boolean =>
      (row.heldUntil === null || row.heldUntil <= work.at) &&
      ((row.answer === null && row.fingerprint.equals(claim.fingerprint)) || expired(row));
    const found = claims.map((claim) => {
      const row = work.get(this.keys, keyOf(claim));
      return { claim, row, free: row === undefined || takeable(row, claim) };
    });
    const claimed = new Set<string>();
    for (const { claim } of found
      .filter(({ free }) => free)
      .toSorted((a, b) => (keyOf(a.claim) < keyOf(b.claim) ? -1 : 1))) {
      const key = keyOf(claim);
      for (let holder = work.take(this.keys, key); holder !== undefined; holder = work.take(this.keys, key))
        yield holder;
      // ON CONFLICT looks at the row as it is now.
      const row = work.get(this.keys, key);
      if (row !== undefined && !takeable(row, claim)) continue;
      work.put(this.keys, key, {
        fingerprint: claim.fingerprint,
        holder: claim.holder,
        heldUntil: work.at + leaseMs,
        answer: null,
        createdAt: row === undefined || expired(row) ? work.at : row.createdAt,
      });
      claimed.add(claim.holder);
    }
    return found.map(({ claim, row, free }) => ({
      claimed: claimed.has(claim.holder),
      known: row !== undefined,
      free,
      same: row === undefined ? null : row.fingerprint.equals(claim.fingerprint),
      status: row?.answer?.status ?? null,
      headers: row?.answer?.headers ?? null,
      body: row?.answer?.body ?? null,
      held_for: row?.heldUntil == null ? null : row.heldUntil - work.at,
    }));
  }

  *#settle(work: Work, turns: readonly Turn[]): Generator<Work, Set<string>, void> {
    const held = new Set<string>();
    for (const turn of turns.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
      const key = keyOf(turn);
      for (let holder = work.take(this.keys, key); holder !== undefined; holder = work.take(this.keys, key))
        yield holder;
      const row = work.get(this.keys, key);
      if (row === undefined || (row.holder !== turn.holder && !defect('simulation.no-holder-check'))) continue;
      held.add(turn.holder);
      work.put(
        this.keys,
        key,
        turn.forget ? undefined : { ...row, holder: null, heldUntil: null, answer: turn.answer },
      );
    }
    return held;
  }
}
