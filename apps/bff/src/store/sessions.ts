/** Rows of signed-in sessions, and the lease that lets only one replica use a refresh token. */
import type { User } from '@ballast/contracts';
import type { Database } from '@ballast/postgres';

/** What identity handed out, sealed. Times are the bff's clock. */
export interface StoredTokens {
  profile: User;
  sealedAccessToken: Buffer;
  sealedRefreshToken: Buffer;
  accessExpiresAt: Date;
  refreshDueAt: Date;
  expiresAt: Date;
}

export interface SessionRow extends StoredTokens {
  generation: number;
  /** Whether some replica is exchanging the refresh token at the moment. */
  leased: boolean;
}

export interface SessionStore {
  insert(hash: Buffer, tokens: StoredTokens): Promise<void>;
  /** Null when there is none, it ran out, or it was ended. */
  find(hash: Buffer): Promise<SessionRow | null>;
  /**
   * Takes the right to use the refresh token of this generation for `leaseMs`, and hands it over, sealed.
   * Null when somebody else has it, or has been quicker.
   */
  lease(hash: Buffer, generation: number, holder: string): Promise<Buffer | null>;
  /** Stores new tokens and gives the lease back; false when the lease was lost or the session ended meanwhile. */
  renew(hash: Buffer, holder: string, tokens: StoredTokens): Promise<boolean>;
  release(hash: Buffer, holder: string): Promise<void>;
  /** From now on nobody is signed in with it. Returns the tokens that identity has to be told of; null without a row. */
  end(hash: Buffer): Promise<SealedTokens | null>;
  /** Sessions that ended at least `minimumAgeSeconds` ago and of which identity may not know, oldest first. */
  ended(minimumAgeSeconds: number, limit: number): Promise<(SealedTokens & { hash: Buffer })[]>;
  remove(hash: Buffer): Promise<void>;
  /** Removes what ran out; returns how many. */
  purge(): Promise<number>;
}

export interface SealedTokens {
  sealedAccessToken: Buffer;
  sealedRefreshToken: Buffer;
}

/** Longer than identity may take to answer, so that a lease does not run out under its holder. */
const leaseMs = 6_000;

/** Rows of one statement: all that a long absence leaves would outlast the statement's time. */
const purgeStep = 1_000;
const purgeSome = `
  DELETE FROM sessions
   WHERE session_hash = ANY (ARRAY(SELECT session_hash FROM sessions WHERE expires_at <= now() LIMIT $1))
  RETURNING session_hash`;

const insert = `
  INSERT INTO sessions (session_hash, profile, sealed_access_token, sealed_refresh_token,
                        access_expires_at, refresh_due_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const find = {
  name: 'find-session',
  text: `
  SELECT profile, sealed_access_token, sealed_refresh_token, access_expires_at, refresh_due_at, expires_at, generation,
         coalesce(lease_until > now(), false) AS leased
  FROM sessions
  WHERE session_hash = $1 AND ended_at IS NULL AND expires_at > now()`,
};

const lease = `
  UPDATE sessions
  SET lease_holder = $3, lease_until = now() + $4 * interval '1 millisecond'
  WHERE session_hash = $1 AND generation = $2 AND ended_at IS NULL
    AND (lease_until IS NULL OR lease_until <= now())
  RETURNING sealed_refresh_token`;

const renew = `
  UPDATE sessions
  SET profile = $3, sealed_access_token = $4, sealed_refresh_token = $5,
      access_expires_at = $6, refresh_due_at = $7, expires_at = $8,
      generation = generation + 1, lease_holder = NULL, lease_until = NULL
  WHERE session_hash = $1 AND lease_holder = $2 AND ended_at IS NULL
  RETURNING generation`;

const release = `
  UPDATE sessions SET lease_holder = NULL, lease_until = NULL
  WHERE session_hash = $1 AND lease_holder = $2`;

const end = `
  UPDATE sessions SET ended_at = coalesce(ended_at, now())
  WHERE session_hash = $1
  RETURNING sealed_access_token, sealed_refresh_token`;

const ended = `
  SELECT session_hash, sealed_access_token, sealed_refresh_token
  FROM sessions
  WHERE ended_at <= now() - $1 * interval '1 second'
  ORDER BY ended_at
  LIMIT $2`;

interface SealedColumns {
  sealed_access_token: Buffer;
  sealed_refresh_token: Buffer;
}

interface FindColumns extends SealedColumns {
  profile: User;
  access_expires_at: Date;
  refresh_due_at: Date;
  expires_at: Date;
  generation: number;
  leased: boolean;
}

export function sessionStore(database: Database): SessionStore {
  const columns = (tokens: StoredTokens): unknown[] => [
    JSON.stringify(tokens.profile),
    tokens.sealedAccessToken,
    tokens.sealedRefreshToken,
    tokens.accessExpiresAt,
    tokens.refreshDueAt,
    tokens.expiresAt,
  ];
  return {
    insert: async (hash, tokens) => {
      await database.query(insert, [hash, ...columns(tokens)]);
    },
    find: async (hash) => {
      const [row] = await database.query<FindColumns>(find, [hash]);
      if (row === undefined) return null;
      return {
        ...sealed(row),
        profile: row.profile,
        accessExpiresAt: row.access_expires_at,
        refreshDueAt: row.refresh_due_at,
        expiresAt: row.expires_at,
        generation: row.generation,
        leased: row.leased,
      };
    },
    lease: async (hash, generation, holder) => {
      const [row] = await database.query<SealedColumns>(lease, [hash, generation, holder, leaseMs]);
      return row?.sealed_refresh_token ?? null;
    },
    renew: async (hash, holder, tokens) =>
      (await database.query(renew, [hash, holder, ...columns(tokens)])).length === 1,
    release: async (hash, holder) => {
      await database.query(release, [hash, holder]);
    },
    end: async (hash) => {
      const [row] = await database.query<SealedColumns>(end, [hash]);
      return row === undefined ? null : sealed(row);
    },
    ended: async (minimumAgeSeconds, limit) => {
      const rows = await database.query<SealedColumns & { session_hash: Buffer }>(ended, [minimumAgeSeconds, limit]);
      return rows.map((row) => ({ hash: row.session_hash, ...sealed(row) }));
    },
    remove: async (hash) => {
      await database.query('DELETE FROM sessions WHERE session_hash = $1', [hash]);
    },
    purge: async () => {
      let total = 0;
      for (let gone = purgeStep; gone === purgeStep;) {
        gone = (await database.query(purgeSome, [purgeStep])).length;
        total += gone;
      }
      return total;
    },
  };
}

const sealed = (row: SealedColumns): SealedTokens => ({
  sealedAccessToken: row.sealed_access_token,
  sealedRefreshToken: row.sealed_refresh_token,
});
