/** A device whose token is revoked while it is connected. */
import type { Scenario } from './scenario.ts';

/** How long a closing is waited for, in ms: what comes by then is measured, also where it is too late. */
const waitMs = 10_000;
const inTime = 'closing revoked in time, then rejected revoked';

export const revoked: Scenario = {
  name: 'revoked',
  does: 'is connected when its token is revoked; then it shows that token again',
  expected: [inTime],
  token: 'none',
  sockets: 1,
  pauseMs: 10_000,
  play: async (stage) => {
    const { token, tokenId } = await stage.newToken();
    const connection = await stage.connect();
    const verdict = await connection.present(token);
    if (verdict !== 'accepted') {
      await connection.hangUp();
      return verdict;
    }
    await connection.endWithin(500 * stage.random());
    let closedAt = Number.POSITIVE_INFINITY;
    const closed = connection.endWithin(waitMs + 30_000).then((end) => {
      closedAt = performance.now();
      return end;
    });
    await stage.revoke(tokenId);
    const revokedAt = performance.now();
    await connection.endWithin(waitMs);
    const end = connection.end;
    if (end !== undefined) await closed;
    await connection.hangUp();
    await closed;
    if (end !== 'closing revoked') return end ?? 'not closed';
    const tookMs = Math.max(0, closedAt - revokedAt);
    stage.tally.latencies.revoked.add(tookMs);
    const again = await stage.connect({ atOnce: true });
    const second = await again.present(token);
    await again.hangUp();
    if (tookMs > stage.patienceMs) return 'closing revoked too late';
    return second === 'rejected revoked' ? inTime : `closing revoked, then ${second}`;
  },
};
