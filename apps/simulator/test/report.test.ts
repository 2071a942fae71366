/** How what was seen is held against what was expected, and against what analytics has counted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCounted, type Counted } from '../src/analytics.ts';
import { Latencies } from '../src/latency.ts';
import { compareCounts, findings, judgeScenarios } from '../src/report/comparison.ts';
import { countTable, latencyTable, scenarioTable } from '../src/report/text.ts';
import { sumOf, Tally } from '../src/tally.ts';

const counted = (changes: Partial<Counted> = {}): Counted => ({
  attempts: 100,
  accepted: 60,
  rejected: { expired: 40 },
  telemetry: 1_000,
  connections: 7,
  sessions: 5,
  ...changes,
});

function seen() {
  const tally = new Tally();
  tally.accept(3);
  tally.sessions -= 1;
  tally.reject('expired', 2);
  tally.sent = 10;
  tally.acknowledged = 10;
  return tally.snapshot();
}
const after = counted({ attempts: 103, accepted: 61, rejected: { expired: 42 }, telemetry: 1_010 });

describe('the scenarios of a report', () => {
  const allotted = [{ scenario: 'expired', devices: 2 }];
  const rounds = (outcomes: Record<string, number>) => ({ rounds: { expired: outcomes } });

  it('are met when every round was as expected', () => {
    const results = judgeScenarios(allotted, rounds({ 'rejected expired': 5 }), true);
    assert.deepEqual([results[0]?.met, results[0]?.rounds], [true, 5]);
    assert.deepEqual(findings(results, undefined), []);
  });

  it('are not when a single one was not', () => {
    const results = judgeScenarios(allotted, rounds({ accepted: 1, 'rejected expired': 5_000 }), true);
    assert.deepEqual(findings(results, undefined), ['expired: expected rejected expired, seen 1 × accepted']);
    assert.match(scenarioTable(results).join('\n'), /expired +2 +5,001 +rejected expired +5,000 +1 × accepted/);
  });

  it('are not when a device never had its turn, unless the run was broken off', () => {
    const results = judgeScenarios(allotted, rounds({ 'rejected expired': 1 }), true);
    assert.deepEqual(findings(results, undefined), ['expired: only 1 of 2 devices have played']);
    assert.equal(judgeScenarios(allotted, rounds({ 'rejected expired': 1 }), false)[0]?.met, true);
    assert.equal(judgeScenarios(allotted, { rounds: {} }, true)[0]?.met, false);
  });
});

describe('the comparison with analytics', () => {
  it('is of the differences between two moments', () => {
    const compared = compareCounts(seen(), counted(), after);
    assert.deepEqual(findings([], compared), []);
    assert.deepEqual(
      compared.map(({ what, simulator, analytics }) => [what, simulator, analytics]),
      [
        ['attempts', 3, 3],
        ['let in', 1, 1],
        ['rejected expired', 2, 2],
        ['telemetry frames', 10, 10],
        ['sessions left', 0, 0],
        ['connections left', 0, 0],
      ],
    );
  });

  const differing: [string, Partial<Counted>, RegExp][] = [
    ['an attempt', { attempts: 104 }, /^attempts: the simulator has 3, analytics 4$/],
    ['a device let in', { accepted: 60 }, /^let in: the simulator has 1, analytics 0$/],
    ['a reason', { rejected: { expired: 41, revoked: 1 } }, /^rejected expired: the simulator has 2, analytics 1$/],
    ['a frame', { telemetry: 1_009 }, /^telemetry frames: the simulator has 10, analytics 9$/],
    ['a session left', { sessions: 6 }, /^sessions left: the simulator has 0, analytics 1$/],
    ['a socket left', { connections: 8 }, /^connections left: the simulator has 0, analytics 1$/],
  ];
  for (const [what, changes, message] of differing) {
    it(`finds ${what} too many or too few`, () => {
      const compared = compareCounts(seen(), counted(), { ...after, ...changes });
      assert.match(findings([], compared)[0] ?? '', message);
      assert.match(countTable(compared).join('\n'), /differs by 1/);
    });
  }

  it('finds a reason that only analytics has', () => {
    const compared = compareCounts(seen(), counted(), { ...after, rejected: { expired: 42, revoked: 1 } });
    assert.deepEqual(findings([], compared), ['rejected revoked: the simulator has 0, analytics 1']);
  });
});

describe('what analytics answers', () => {
  const text = [
    '# HELP auth_attempts_total Attempts.',
    'auth_attempts_total{service="analytics"} 12',
    'auth_success_total 7',
    'auth_failures_total{reason="expired",device_id="a,b\\"}"} 2',
    'auth_failures_total{reason="expired",device_id="other",service="analytics"} 1',
    'auth_failures_total{device_id="other",reason="revoked"} 2',
    'device_telemetry_total{outcome="received"} 1e3',
    'device_telemetry_total{outcome="told"} 990',
    'active_connections_total 3',
    'active_sessions 2',
  ].join('\n');

  it('is summed up over devices, by reason', () => {
    const { attempts, accepted, rejected, telemetry, connections, sessions } = readCounted(text);
    assert.deepEqual([attempts, accepted, telemetry, connections, sessions], [12, 7, 1_000, 3, 2]);
    assert.deepEqual([rejected['expired'], rejected['revoked'], rejected['malformed']], [3, 2, 0]);
  });

  it('must have what is promised', () => {
    assert.throws(() => readCounted(text.replace('auth_success_total', 'other_total')), /it has no auth_success_total/);
    assert.throws(() => readCounted('<html>'), /it has no auth_attempts_total/);
  });
});

describe('tallies', () => {
  it('add up over threads', () => {
    const other = new Tally();
    other.reject('over_capacity');
    other.cut = 1;
    other.round('flood', 'all turned away', 2);
    other.round('expired', 'rejected expired');
    const sum = sumOf([seen(), other.snapshot(), other.snapshot()]);
    assert.deepEqual([sum.attempts, sum.accepted, sum.cut], [5, 1, 2]);
    assert.deepEqual(sum.rejected, { expired: 2, over_capacity: 2 });
    assert.deepEqual(sum.rounds, { flood: { 'all turned away': 4 }, expired: { 'rejected expired': 2 } });
    assert.equal(sum.latencies.accepted.maxMs, 3);
  });

  it('keep a bounded number of outcomes', () => {
    const tally = new Tally();
    for (let index = 0; index < 1_000; index += 1) tally.round('valid', `outcome ${index}`);
    const outcomes = tally.snapshot().rounds['valid']!;
    assert.equal(Object.keys(outcomes).length, 31);
    assert.equal(outcomes['something else'], 970);
  });

  it('know percentiles to 5%, merged or not', () => {
    const [one, other, both] = [new Latencies(), new Latencies(), new Latencies()];
    for (let index = 1; index <= 1_000; index += 1) (index % 2 === 0 ? one : other).add(index);
    both.merge(one.counts());
    both.merge(other.counts());
    for (const [share, truth] of [
      [0.5, 500],
      [0.95, 950],
      [0.99, 990],
    ] as const) {
      const told = both.percentile(share);
      assert.ok(told >= truth * 0.999 && told <= truth * 1.05, `${share}: ${told}`);
    }
    assert.deepEqual([both.maxMs, both.percentile(1), both.count], [1_000, 1_000, 1_000]);
    assert.equal(new Latencies().percentile(0.5), 0);
    assert.match(latencyTable(new Tally().snapshot()).join('\n'), /ping → pong +0 +– +–/);
  });
});
