/** Sessions: a refresh family in the database and the access tokens signed for it. */
import { randomUUIDv7 } from 'node:crypto';
import type { TokenPair, User } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { Database } from '@ballast/postgres';
import { ProblemError, type Logger, type Metrics, type Principal } from '@ballast/service';
import type { AccessTokenIssuer } from './domain/access-token.ts';
import { hashRefreshToken, newRefreshToken } from './domain/refresh-token.ts';
import { beginRefreshFamily, endRefreshFamily, rotateRefreshToken } from './store/refresh-families.ts';

declareFailPoints({
  'before-token': 'a session is begun or refreshed and its access token is not signed yet',
  'after-rotation': 'a refresh token is exchanged and its holder is not answered yet',
  'after-sign-out': 'a session is ended and services that wait for the news are not told yet',
});

/** What can happen to a session. */
export interface Sessions {
  /** Signs a user in. */
  begin(user: User): Promise<TokenPair>;
  /** Exchanges a refresh token; a 401 `ProblemError` unless it is live. A used one ends its session. */
  refresh(refreshToken: string): Promise<TokenPair>;
  /** Signs out of the session the caller's token belongs to. Its tokens, of both kinds, are worth nothing from now on. */
  end(principal: Principal): Promise<void>;
}

/** Sessions kept in `database`. Lifetimes are in seconds; `accessTokenSeconds` is the issuer's, told to clients. */
export function createSessions(options: {
  database: Database;
  logger: Logger;
  metrics: Metrics;
  issueAccessToken: AccessTokenIssuer;
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
  /** Told after each commit that revoked something. */
  onRevoked: () => void;
}): Sessions {
  const { database, logger, issueAccessToken, accessTokenSeconds, refreshTokenSeconds, onRevoked } = options;
  const refreshes = options.metrics.counter(
    'identity_refreshes_total',
    'Refresh tokens presented, by what became of them.',
    ['outcome'],
  );

  const pair = async (user: User, familyId: string, refreshToken: string): Promise<TokenPair> => {
    await failPoint('before-token');
    const accessToken = await issueAccessToken(user, familyId);
    return { accessToken, refreshToken, expiresIn: accessTokenSeconds, user };
  };

  return {
    async begin(user) {
      const familyId = randomUUIDv7();
      const refreshToken = newRefreshToken();
      await beginRefreshFamily(database, {
        familyId,
        userId: user.userId,
        tokenHash: hashRefreshToken(refreshToken),
        lifetimeSeconds: refreshTokenSeconds,
      });
      return pair(user, familyId, refreshToken);
    },

    async refresh(presented) {
      const next = newRefreshToken();
      const rotation = await rotateRefreshToken(database, {
        presentedHash: hashRefreshToken(presented),
        nextHash: hashRefreshToken(next),
        lifetimeSeconds: refreshTokenSeconds,
        accessSeconds: accessTokenSeconds,
      });
      await failPoint('after-rotation');
      refreshes.inc({ outcome: rotation.outcome });
      if (rotation.outcome === 'rotated') return pair(rotation.user, rotation.familyId, next);
      if (rotation.outcome === 'reused' && rotation.endedNow) {
        const { familyId, user } = rotation;
        onRevoked();
        logger.warn({ familyId, userId: user.userId }, 'a refresh token was used twice: session ended');
      }
      // One text for all: whoever holds a wrong token need not learn in which way it is wrong.
      throw new ProblemError('invalid-token', 'The refresh token is not valid any more. Sign in again.');
    },

    async end(principal) {
      const familyId = principal.sessionId;
      if (familyId === null) throw new ProblemError('invalid-token', 'The access token lacks a claim.');
      await endRefreshFamily(database, { familyId, userId: principal.userId, accessSeconds: accessTokenSeconds });
      await failPoint('after-sign-out');
      onRevoked();
    },
  };
}
