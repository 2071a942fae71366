/** What the library needs of its table, and that table in PostgreSQL. A simulation has one in memory. */
import type { Database, Queryable, Transaction } from '@ballast/postgres';
import type { Answer, KeyedRequest } from './idempotency.ts';
import * as sql from './sql.ts';
import type { ClaimRow } from './sql.ts';

/** Wants a key for `holder`. */
export interface Claim extends KeyedRequest {
  holder: string;
}

/** The end of a holder's turn: with an answer, without one, or by forgetting the key. */
export interface Turn extends Omit<Claim, 'fingerprint'> {
  forget: boolean;
  answer: Answer | null;
}

/** The part of a transaction that is used besides `settle`. */
export interface CommitHook {
  /** Runs `work` once the commit is durable; not at all after a rollback. */
  afterCommit(work: () => void): void;
}

/** The table. Each call is atomic, and is one statement in PostgreSQL. Leases and ages are told by the store's clock. */
export interface IdempotencyStore<OwnTransaction extends CommitHook = Transaction> {
  /** Takes keys that are free, for `leaseMs`, and says what is known of the others; in the claims' order. */
  claim(claims: readonly Claim[], limits: { leaseMs: number; keepMs: number }): Promise<readonly ClaimRow[]>;
  /** Ends turns, in `transaction` where one is given. Resolves to the holders that still had their key. */
  settle(turns: readonly Turn[], transaction?: OwnTransaction): Promise<ReadonlySet<string>>;
  /** Forgets keys older than `keepMs` that nobody is at, at most `limit`; resolves to how many. */
  sweep(keepMs: number, limit: number): Promise<number>;
}

/** The table of `idempotencyMigrations`. */
export function postgresKeys(database: Database): IdempotencyStore {
  return {
    claim: (claims, { leaseMs, keepMs }) =>
      database.query<ClaimRow>(sql.claim, [
        ...keys(claims),
        claims.map((claim) => claim.fingerprint),
        claims.map((claim) => claim.holder),
        leaseMs,
        keepMs,
      ]),
    settle: async (turns, transaction) => {
      const queryable: Queryable = transaction ?? database;
      const rows = await queryable.query<{ holder: string }>(sql.settle, [
        ...keys(turns),
        turns.map((turn) => turn.holder),
        turns.map((turn) => turn.forget),
        turns.map((turn) => turn.answer?.status ?? null),
        turns.map((turn) => (turn.answer === null ? null : JSON.stringify(turn.answer.headers))),
        turns.map((turn) => turn.answer?.body ?? null),
      ]);
      return new Set(rows.map((row) => row.holder));
    },
    sweep: async (keepMs, limit) => (await database.query<{ gone: number }>(sql.sweep, [keepMs, limit]))[0]!.gone,
  };
}

const keys = (items: readonly Omit<KeyedRequest, 'fingerprint'>[]): [string[], string[], string[]] => [
  items.map((item) => item.principal),
  items.map((item) => item.route),
  items.map((item) => item.key),
];
