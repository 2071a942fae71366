/** Who may come in: puts token, keys and revocations together into one verdict. */
import type { DeviceClaims, RejectionReason } from '@ballast/contracts';
import { declareFailPoints, failPoint } from '@ballast/faults';
import type { RevocationView } from '@ballast/service';
import { NoKeys, type KeyStore } from '../clients/keys.ts';
import { claimedDevice, isSigned, judgeClaims, readToken, type ReadToken } from '../domain/device-token.ts';

declareFailPoints({ 'gateway.before-judgement': 'a device has shown its token, and nobody has looked at it yet' });

/** What becomes of a token. `deviceId` is verified, `claimedId` is not. */
export type Verdict =
  | { claims: DeviceClaims }
  | { reason: RejectionReason; deviceId: string | null; claimedId: string | null };

/** Judges a token; never rejects. */
export type Judge = (token: string) => Promise<Verdict>;

/**
 * A judge for tokens of `issuer`. As long as identity has never been heard, neither its keys nor what was revoked is known:
 * then nobody is let in (`over_capacity`: try again later). Once it has been, it may be away: devices keep coming in by what
 * is known. `onError` is told what should not happen.
 */
export function createJudge(options: {
  issuer: string;
  keys: KeyStore;
  revocations: Pick<RevocationView, 'isRevoked' | 'age'>;
  onError: (error: unknown) => void;
}): Judge {
  const { issuer, keys, revocations, onError } = options;

  const judge = async (token: ReadToken): Promise<Verdict> => {
    await failPoint('gateway.before-judgement');
    const unverified = (reason: RejectionReason): Verdict => ({
      reason,
      deviceId: null,
      claimedId: claimedDevice(token),
    });
    const key = token.kid === null ? null : await keys.find(token.kid);
    if (key === null) return unverified('unknown_key');
    if (!(await isSigned(token, key))) return unverified('bad_signature');
    // From here on its claims are the issuer's word.
    const judged = judgeClaims(token, { issuer, now: Date.now() / 1_000 });
    if ('reason' in judged) return { ...judged, claimedId: null };
    const { sub: deviceId, jti } = judged.claims;
    if (revocations.age() === Number.POSITIVE_INFINITY) return { reason: 'over_capacity', deviceId, claimedId: null };
    if (revocations.isRevoked(tokenOwner(jti))) return { reason: 'revoked', deviceId, claimedId: null };
    return judged;
  };

  return async (token) => {
    const read = readToken(token);
    if (typeof read === 'string') return { reason: read, deviceId: null, claimedId: null };
    try {
      return await judge(read);
    } catch (error) {
      // Without keys it is known already what is the matter.
      if (!(error instanceof NoKeys)) onError(error);
      return { reason: 'over_capacity', deviceId: null, claimedId: null };
    }
  };
}

/** A device's token as the list of revoked ones knows it. */
export const tokenOwner = (jti: string): { tokenId: string; sessionId: null } => ({
  tokenId: jti.toLowerCase(),
  sessionId: null,
});
