/** Devices whose token is no good in exactly one way. */
import type { RejectionReason } from '@ballast/contracts';
import type { Scenario, Stage } from './scenario.ts';

function refused(
  name: string,
  reason: RejectionReason,
  does: string,
  tokenOf: Scenario['token'] | ((stage: Stage) => string),
): Scenario {
  return {
    name,
    does,
    expected: [`rejected ${reason}`],
    token: typeof tokenOf === 'string' ? tokenOf : 'none',
    sockets: 1,
    pauseMs: 5_000,
    play: async (stage) => {
      const connection = await stage.connect();
      const verdict = await connection.present(typeof tokenOf === 'string' ? stage.token : tokenOf(stage));
      // The gateway hangs up after a rejection; one that does not has not refused anybody.
      const closed = verdict === 'accepted' || (await connection.endWithin(3_000)) === 'gone';
      await connection.hangUp();
      return closed ? verdict : `${verdict}, and left open`;
    },
  };
}

export const refusedTokens: readonly Scenario[] = [
  refused('expired', 'expired', 'a token that was good until a minute ago', 'expired'),
  refused('not_yet_valid', 'not_yet_valid', 'a token that is good in half an hour', 'not_yet_valid'),
  refused('wrong_key', 'bad_signature', "a key of its own under the name of identity's", ({ forger, deviceId }) =>
    forger.wrongKey(deviceId),
  ),
  refused('unknown_kid', 'unknown_key', 'a key of its own under a name nobody knows', ({ forger, deviceId }) =>
    forger.unknownKey(deviceId),
  ),
  refused('alg_none', 'bad_signature', '`alg: none` and no signature', ({ forger, deviceId }) =>
    forger.unsigned(deviceId),
  ),
  refused('alg_confusion', 'bad_signature', "HS256 with identity's public key for a secret", ({ forger, deviceId }) =>
    forger.confused(deviceId),
  ),
  refused('wrong_issuer', 'wrong_issuer', "truly signed, with another issuer's name", 'wrong_issuer'),
  refused('wrong_audience', 'wrong_audience', 'truly signed, for the HTTP services', 'wrong_audience'),
  refused('wrong_type', 'wrong_type', "truly signed, as a user's access token", 'wrong_type'),
  refused('missing_claim', 'missing_claim', 'truly signed, without an end', 'missing_claim'),
];
