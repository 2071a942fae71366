import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkGateway, type GatewaySize } from '../src/guarantees/gateway.ts';

/** Deadlines are not much shorter than those that are promised: a busy machine is held up for a second now and then. */
const small = {
  authDeadlineMs: 10_000,
  heartbeatSeconds: 8,
  queueItems: 500,
  slackMs: 10_000,
  apart: false,
  sideBySide: true,
} satisfies GatewaySize;
const frozen = { devices: 50, framesPerSecond: 2_000, probes: 10, before: 0, frozen: 3_000 };
const sessions = 60;

describe('the device gateway', () => {
  it('keeps what it promises with idle, hostile and unknown devices, without a broker, and killed', async () => {
    const { figures, violations } = await checkGateway({
      ...small,
      idle: { sessions: 300, staying: 0, probes: 10 },
      hostile: { honest: 40, pingEveryMs: 250, dripping: 20, blackHoled: 10, calm: 500 },
      frozen,
      strangers: { handshakes: 400 },
      killed: { sessions, gaugeWithinMs: 40_000 },
    });
    assert.deepEqual(violations, []);
    assert.equal(figures['idleSessions'], 300);
    assert.equal(figures['hostileSockets'], 30);
    assert.ok(figures['framesDropped']! > 1_000, `${figures['framesDropped']} frames were dropped`);
    assert.equal(figures['authFailures'], 400);
    assert.equal(figures['stormReplaced'], 2 * sessions);
  });

  it('is found out where it does not: one session a device, drops, sums and gauge', async () => {
    const defects = [
      'gateway.old-end-removes-new',
      'gateway.uncounted-drops',
      'analytics.adds-instead-of-largest',
      'analytics.gauge-without-expiry',
    ].join();
    const { violations } = await checkGateway({
      ...small,
      frozen: { ...frozen, frozen: 1_500 },
      // A gauge that is right after ten seconds would be told from this one by then.
      killed: { sessions, gaugeWithinMs: 12_000 },
      sideBySide: false,
      defects,
    });
    for (const promise of [
      'a device has one session: ',
      'drops are counted: ',
      'analytics counts exactly: ',
      'a killed gateway leaves the gauge: ',
    ])
      assert.ok(
        violations.some((violation) => violation.startsWith(promise)),
        `${promise}\n${violations.join('\n')}`,
      );
  });
});
