/**
 * Signed-in sessions: tokens stay here, browsers only hold an id.
 *
 * An access token is exchanged shortly before it runs out. The refresh token that pays for it works once, and its
 * reuse ends the session at identity, so the exchange happens once: requests of this process share one promise,
 * and replicas agree by a lease on the row. Whoever comes second waits and reads what the first one stored.
 */
import { randomUUID } from 'node:crypto';
import type { TokenPair, User } from '@ballast/contracts';
import { ProblemError, type Logger } from '@ballast/service';
import type { Identity } from '../clients/identity.ts';
import type { SealedTokens, SessionRow, SessionStore, StoredTokens } from '../store/sessions.ts';
import { hashOf, newSessionId, sessionSeconds } from './cookie.ts';
import { SessionCache } from './session-cache.ts';
import type { TokenBox } from './token-box.ts';

/** A session with somebody in it. Times are milliseconds since the epoch. */
export interface SignedIn {
  profile: User;
  accessToken: string;
  accessExpiresAt: number;
  refreshDueAt: number;
  generation: number;
}

export interface Sessions {
  /** Makes a session for a person whom identity has just let in, and ends the one the browser had. Returns the new id. */
  signIn(previousId: string | null, tokens: TokenPair): Promise<string>;
  /**
   * Who is signed in, with a token that is still good; null when nobody is (any more). Rejects with 503 when the
   * token ran out and identity cannot be asked for another.
   */
  current(id: string): Promise<SignedIn | null>;
  /** Ends it here at once; resolves when identity knows too. After a rejection (503) `finishEnded` goes on trying. */
  signOut(id: string): Promise<void>;
  /** Tells identity of sessions that ended without it; returns how many are settled now. */
  finishEnded(minimumAgeSeconds?: number): Promise<number>;
  /** Removes what ran out; returns how many. */
  purge(): Promise<number>;
}

export type RefreshOutcome = 'renewed' | 'refused' | 'failed';

/** A token with less than this left is exchanged; of short-lived ones the last fifth is. In ms. */
const refreshMarginMs = 60_000;
/** With more than this left, requests go on with the old token while the new one is fetched. In ms. */
const comfortableMs = 10_000;
/** How long another replica's exchange is waited for, in ms. */
const waitForOthersMs = 4_000;
/** After a failed exchange, how long it is not tried again, in ms. */
const failureRestMs = 1_000;
const storeTries = 5;

export function createSessions(parts: {
  store: SessionStore;
  identity: Identity;
  box: TokenBox;
  logger: Logger;
  onRefresh?: (outcome: RefreshOutcome) => void;
}): Sessions {
  const { store, identity, box, logger, onRefresh = () => {} } = parts;
  const cache = new SessionCache<SignedIn>();
  const refreshing = new Map<string, Promise<SignedIn | null>>();

  const open = (row: SessionRow, hash: Buffer): SignedIn | null => {
    const accessToken = box.open(row.sealedAccessToken, hash);
    if (accessToken === null) return null;
    return {
      profile: row.profile,
      accessToken,
      accessExpiresAt: row.accessExpiresAt.getTime(),
      refreshDueAt: row.refreshDueAt.getTime(),
      generation: row.generation,
    };
  };

  const load = async (id: string): Promise<SignedIn | null> => {
    const hash = hashOf(id);
    const row = await store.find(hash);
    return row === null ? null : open(row, hash);
  };

  const toStore = (hash: Buffer, tokens: TokenPair, askedAt: number): StoredTokens => {
    const lifeMs = tokens.expiresIn * 1000;
    // Tokens name their end in whole seconds, rounded down: never believe one a moment longer than services do.
    const accessExpiresAt = Math.floor(askedAt / 1000) * 1000 + lifeMs;
    return {
      profile: tokens.user,
      sealedAccessToken: box.seal(tokens.accessToken, hash),
      sealedRefreshToken: box.seal(tokens.refreshToken, hash),
      accessExpiresAt: new Date(accessExpiresAt),
      refreshDueAt: new Date(accessExpiresAt - Math.min(refreshMarginMs, lifeMs / 5)),
      expiresAt: new Date(askedAt + sessionSeconds * 1000),
    };
  };

  /** Exchanges the refresh token, or waits for whoever is doing so. Null: the session is over. */
  const exchange = async (id: string, session: SignedIn): Promise<SignedIn | null> => {
    const hash = hashOf(id);
    const holder = randomUUID();
    const giveUpAt = Date.now() + waitForOthersMs;
    for (;;) {
      const sealedRefreshToken = await store.lease(hash, session.generation, holder);
      if (sealedRefreshToken !== null) return await useLease(id, hash, holder, sealedRefreshToken);
      const row = await store.find(hash);
      if (row === null) return null;
      if (row.generation !== session.generation) return open(row, hash);
      if (Date.now() > giveUpAt)
        throw new ProblemError('unavailable', 'The session is being renewed. Try again in a moment.');
      await pause(30 + Math.random() * 40);
    }
  };

  const useLease = async (id: string, hash: Buffer, holder: string, sealedToken: Buffer): Promise<SignedIn | null> => {
    const askedAt = Date.now();
    const refreshToken = box.open(sealedToken, hash);
    let tokens: TokenPair | null;
    try {
      tokens = refreshToken === null ? null : await identity.refresh(refreshToken);
    } catch (error) {
      await store
        .release(hash, holder)
        .catch((cause: unknown) => logger.warn({ err: cause }, 'lease kept until it runs out'));
      throw error;
    }
    if (tokens === null) {
      onRefresh('refused');
      cache.end(id);
      await store.remove(hash);
      return null;
    }
    // From here on the old refresh token is spent: losing the new one would sign the person out.
    const renewed = await insist(() => store.renew(hash, holder, toStore(hash, tokens, askedAt)));
    if (!renewed) logger.info('a session ended while its tokens were being renewed');
    else onRefresh('renewed');
    return await load(id);
  };

  const refresh = (id: string, session: SignedIn): Promise<SignedIn | null> => {
    const running = refreshing.get(id);
    if (running !== undefined) return running;
    const promise = exchange(id, session).then(
      (renewed) => {
        refreshing.delete(id);
        if (renewed !== null) cache.set(id, renewed);
        return renewed;
      },
      (error: unknown) => {
        onRefresh('failed');
        logger.warn({ err: error }, 'an access token could not be renewed');
        // Everybody who asks within the next moment gets this same answer instead of another wait.
        setTimeout(() => refreshing.delete(id), failureRestMs).unref();
        throw error;
      },
    );
    refreshing.set(id, promise);
    return promise;
  };

  const tellIdentity = async (hash: Buffer, tokens: SealedTokens): Promise<void> => {
    const accessToken = box.open(tokens.sealedAccessToken, hash);
    const refreshToken = box.open(tokens.sealedRefreshToken, hash);
    // What cannot be opened was sealed with another secret and can be told to nobody.
    if (accessToken !== null && refreshToken !== null) await identity.logout({ accessToken, refreshToken });
    await store.remove(hash);
  };

  return {
    signIn: async (previousId, tokens) => {
      // Always a new id: one that was known before signing in must not become a signed-in one (session fixation).
      const id = newSessionId();
      const hash = hashOf(id);
      await store.insert(hash, toStore(hash, tokens, Date.now()));
      if (previousId !== null) {
        cache.end(previousId);
        await store.end(hashOf(previousId));
      }
      return id;
    },

    current: async (id) => {
      const session = await cache.get(id, () => load(id));
      if (session === null) return null;
      const now = Date.now();
      if (now < session.refreshDueAt) return session;
      const renewing = refresh(id, session);
      if (session.accessExpiresAt - now > comfortableMs) {
        // Its failure is logged and counted by `refresh`; this request does not depend on it.
        renewing.catch(() => undefined);
        return session;
      }
      try {
        return await renewing;
      } catch (error) {
        if (Date.now() < session.accessExpiresAt) return session;
        throw error;
      }
    },

    signOut: async (id) => {
      cache.end(id);
      const hash = hashOf(id);
      const tokens = await store.end(hash);
      if (tokens !== null) await tellIdentity(hash, tokens);
    },

    finishEnded: async (minimumAgeSeconds = 5) => {
      const rows = await store.ended(minimumAgeSeconds, 100);
      for (const { hash, ...tokens } of rows) await tellIdentity(hash, tokens);
      return rows.length;
    },

    purge: () => store.purge(),
  };

  /** Tries again while the database is away for a moment. */
  async function insist<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (tries >= storeTries) throw error;
        await pause(100 * tries);
      }
    }
  }
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
