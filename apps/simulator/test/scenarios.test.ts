/** Every scenario against the real gateway, and the simulator's totals against those of the real analytics. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { scenarios } from '../src/scenarios/index.ts';
import { analyticsFront, openBench, startAnalytics, startSimulator, type Bench, type Ended, words } from './support.ts';

/** How often the scenario's two devices play in a run of some seconds, at least. */
const atLeast: Record<string, number> = { reconnect_storm: 4, expired: 4, malformed: 4 };

describe('a simulation of everything against the real gateway and the real analytics', () => {
  let bench: Bench;
  let analytics: Awaited<ReturnType<typeof startAnalytics>>;
  let ended: Ended;

  before(async () => {
    // A device whose machine stalls between connecting and showing its token is not a silent one.
    bench = await openBench({ AUTH_DEADLINE_MS: '5000' });
    analytics = await startAnalytics(bench);
    const simulation = await startSimulator(
      ...bench.options,
      // The gateway shares this machine with all other tests: seconds late is not what this is about.
      ...words(
        `--analytics ${analytics.url} --devices 40 --seconds 12 --mix all --rate 20 --auth-deadline 5 --patience 6`,
      ),
    );
    ended = await simulation.ended;
  });
  after(async () => {
    await analytics.close();
    await bench.close();
  });

  it('ends with 0 and says so', () => {
    assert.equal(ended.code, 0, ended.output);
    assert.match(ended.output, /All as expected\.\n$/);
    assert.match(ended.output, / \d+ s {2}begun 40\/40 {2}sessions \d+ {2}attempts \d+/);
  });

  for (const { name, expected } of scenarios) {
    it(`${name}: ${expected[0]}`, () => {
      const result = ended.report!.results.find(({ scenario }) => scenario === name);
      assert.ok(result, ended.output);
      assert.deepEqual(
        result.seen.map(({ outcome }) => outcome),
        [expected[0]],
      );
      assert.ok(result.rounds >= (atLeast[name] ?? 2), `${result.rounds} rounds`);
      assert.equal(result.met, true);
    });
  }

  it('counts what analytics counts', () => {
    const compared = ended.report!.compared!;
    assert.deepEqual(
      compared.filter(({ equal }) => !equal),
      [],
    );
    const numbers = Object.fromEntries(compared.map(({ what, simulator }) => [what, simulator]));
    assert.equal(compared.filter(({ what }) => what.startsWith('rejected ')).length, 12);
    assert.ok(numbers['telemetry frames']! > 100, ended.output);
    assert.equal(numbers['sessions left'], 0);
    // By way of identity: every revoked token was one that it has revoked.
    assert.equal(bench.front.revoked.length, numbers['rejected revoked']);
  });

  it('measures how long devices wait', () => {
    const { accepted, ack, pong, revoked } = ended.report!.seen.latencies;
    assert.ok(accepted.maxMs > 0 && accepted.maxMs < 5_000);
    assert.ok(ack.maxMs > 0 && ack.maxMs < 5_000);
    assert.ok(pong.maxMs > 0 && revoked.maxMs > 0 && revoked.maxMs <= 6_000);
  });
});

describe('a gateway that has no room for a flood', () => {
  it('is seen to turn it away, and to let the others in later', async () => {
    const bench = await openBench({ MAX_UNAUTHENTICATED: '5' });
    const analytics = await analyticsFront(bench.gateway.url);
    try {
      const simulation = await startSimulator(
        ...bench.options,
        ...words(`--analytics ${analytics.url} --devices 4 --seconds 2 --mix flood --threads 1`),
      );
      const { code, output, report } = await simulation.ended;
      assert.equal(code, 0, output);
      assert.ok(report!.seen.rejected['over_capacity']! >= 15, output);
      assert.ok(report!.seen.rejected['auth_timeout']! >= 5, output);
    } finally {
      await analytics.close();
      await bench.close();
    }
  });
});
