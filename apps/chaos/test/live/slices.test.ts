/** Phases, orders, calls and points: what is told of them, by example. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LiveOrders, Move, OrderState, WireCall } from '@ballast/contracts';
import { createCallFeed, sample } from '../../src/live/calls.ts';
import { followOrders } from '../../src/live/orders.ts';
import { firstPhase, nextPhase, phaseOf, type PhaseFacts } from '../../src/live/phase.ts';
import { createPoints } from '../../src/live/points.ts';

const quiet: PhaseFacts = { active: [], recovering: [], notReady: [], failed: 0, violated: [], settling: [] };

describe('the phase', () => {
  const fault = 'checkout-1: crash at process.tick';
  const examples: { facts: Partial<PhaseFacts>; phase: string; reason: string }[] = [
    { facts: {}, phase: 'STEADY', reason: 'Nothing is broken, and everything is ready.' },
    { facts: { active: [fault] }, phase: 'INJECT', reason: `${fault}. Nobody has noticed.` },
    {
      facts: { active: [fault], notReady: ['checkout-1'] },
      phase: 'DEGRADED',
      reason: `${fault}. Not ready: checkout-1.`,
    },
    {
      facts: { active: ['a', 'b', 'c', 'd', 'e'], failed: 12 },
      phase: 'DEGRADED',
      reason: 'a, b, c and 2 more. 12 requests failed in the last two seconds.',
    },
    { facts: { active: ['a'], violated: [3] }, phase: 'DEGRADED', reason: 'a. Invariant 3 is violated.' },
    { facts: { active: ['a'], settling: [2, 8] }, phase: 'INJECT', reason: 'a. Nobody has noticed.' },
    {
      facts: { settling: [2, 8], notReady: ['bff', 'postgres'] },
      phase: 'RECOVERING',
      reason: 'Not ready: bff, postgres; invariants 2, 8 are settling.',
    },
    { facts: { recovering: [fault] }, phase: 'RECOVERING', reason: `Not healed yet: ${fault}.` },
    { facts: { failed: 1 }, phase: 'RECOVERING', reason: '1 request failed in the last two seconds.' },
  ];
  for (const { facts, phase, reason } of examples) {
    it(`is ${phase} with ${JSON.stringify(facts)}`, () => {
      assert.deepEqual(phaseOf({ ...quiet, ...facts }), { phase, reason });
    });
  }

  it('has a history of its changes, and no change where only the reason is another', () => {
    const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
    let slice = nextPhase(firstPhase(at(0)), quiet, at(1));
    assert.equal(nextPhase(slice, quiet, at(2)), slice, 'nothing is told where nothing has changed');
    slice = nextPhase(slice, { ...quiet, active: ['a'] }, at(3));
    slice = nextPhase(slice, { ...quiet, active: ['a', 'b'] }, at(4));
    assert.deepEqual(slice, {
      phase: 'INJECT',
      since: at(3).toISOString(),
      reason: 'a, b. Nobody has noticed.',
      history: [
        { phase: 'STEADY', at: at(0).toISOString() },
        { phase: 'INJECT', at: at(3).toISOString() },
      ],
    });
    for (let second = 0; second < 300; second += 1)
      slice = nextPhase(slice, second % 2 === 0 ? quiet : { ...quiet, active: ['a'] }, at(second));
    assert.equal(slice.history.length, 200);
    assert.equal(slice.history.at(-1)!.phase, slice.phase);
  });
});

describe('orders', () => {
  const move = (orderId: string, seq: number, to: OrderState): Move => ({
    orderId,
    seq,
    from: seq === 1 ? null : 'Initiated',
    event: `event-${seq}`,
    to,
    at: '2026-01-01T00:00:00.000Z',
  });
  const brief = (told: LiveOrders | null) =>
    told === null ? null : [told.moves.map(({ orderId, to }) => `${orderId} ${to}`).join(', '), told.skipped];

  it('are told as they move, and stay for three seconds after they have come to rest', () => {
    const orders = followOrders();
    orders.take([move('a', 1, 'Initiated'), move('b', 1, 'Initiated')], { Initiated: 2 });
    assert.deepEqual(orders.inFlight(), [], 'nothing is shown before it is told');
    assert.deepEqual(brief(orders.drain(0)), ['a Initiated, b Initiated', 0]);
    assert.equal(orders.drain(1), null);
    orders.take([move('a', 2, 'Completed')], { Initiated: 1, Completed: 1 });
    assert.deepEqual(brief(orders.drain(1_000)), ['a Completed', 0]);
    const shown = (now: number): string[] => {
      orders.drain(now);
      return orders.inFlight().map(({ orderId, state }) => `${orderId} ${state}`);
    };
    assert.deepEqual(shown(3_999), ['a Completed', 'b Initiated']);
    assert.deepEqual(shown(4_000), ['b Initiated']);
    assert.equal(orders.unfinished(), 1);
    assert.deepEqual(orders.ended(), { placed: 2, completed: 1, compensated: 0 });
    assert.deepEqual(orders.ended(), { placed: 0, completed: 0, compensated: 0 });
  });

  it('that are decided by a person after all go on, and are not forgotten', () => {
    const orders = followOrders();
    orders.take([move('a', 1, 'RequiresReview')], {});
    orders.drain(0);
    orders.take([move('a', 2, 'Compensating')], {});
    orders.drain(1_000);
    orders.drain(10_000);
    assert.deepEqual(
      orders.inFlight().map(({ state }) => state),
      ['Compensating'],
    );
  });

  it('beyond the number that is followed are only counted, each with all its moves; those at rest make room', () => {
    const orders = followOrders(2);
    orders.take(
      ['a', 'b', 'c'].map((orderId) => move(orderId, 1, 'Initiated')),
      {},
    );
    assert.deepEqual(brief(orders.drain(0)), ['a Initiated, b Initiated', 1]);
    orders.take([move('c', 2, 'Completed'), move('b', 2, 'Completed'), move('d', 1, 'Initiated')], {});
    assert.deepEqual(brief(orders.drain(1)), ['b Completed, d Initiated', 1]);
    assert.deepEqual(
      orders.inFlight().map(({ orderId }) => orderId),
      ['a', 'd'],
    );
  });

  it('are told at most five hundred moves at a time, and changed totals even without moves', () => {
    const orders = followOrders();
    orders.take(
      Array.from({ length: 7_000 }, (_, index) => move('a', index + 1, 'Initiated')),
      { Initiated: 1 },
    );
    const told = orders.drain(0)!;
    assert.deepEqual([told.moves.length, told.skipped], [500, 6_500]);
    orders.take([], { Initiated: 1 });
    assert.equal(orders.drain(1), null);
    orders.take([], { Completed: 1 });
    assert.deepEqual(orders.drain(2), { moves: [], skipped: 0, totals: { Completed: 1 } });
  });
});

describe('calls', () => {
  const call = (at: number, status = 200): WireCall => ({
    at: new Date(at).toISOString(),
    service: 's',
    instance: 's-1',
    method: 'GET',
    path: `/${at}`,
    status,
    milliseconds: 1,
    traceId: null,
    upstreams: [],
  });
  const many = (count: number, status = 200, from = 0) =>
    Array.from({ length: count }, (_, index) => call(from + index, status));
  const paths = (calls: readonly WireCall[]): string => calls.map(({ path }) => path).join(' ');

  it('of several services are one feed in their order', () => {
    const feed = createCallFeed();
    assert.equal(feed.drain(), null);
    feed.take({ items: [call(2), call(4)], seq: 2, missed: 0 });
    feed.take({ items: [call(1), call(3)], seq: 2, missed: 5 });
    const told = feed.drain()!;
    assert.deepEqual([paths(told.calls), told.missed], ['/1 /2 /3 /4', 5]);
    assert.equal(feed.drain(), null);
    assert.equal(paths(feed.latest()), '/1 /2 /3 /4');
  });

  it('are told a hundred at a time and kept two hundred; the others are counted', () => {
    const feed = createCallFeed();
    for (const from of [0, 1_000, 2_000]) {
      feed.take({ items: many(250, 200, from), seq: 0, missed: 1 });
      const told = feed.drain()!;
      assert.deepEqual([told.calls.length, told.missed], [100, 151]);
    }
    assert.equal(feed.latest().length, 200);
    assert.equal(feed.latest()[0]!.path, '/1000');
  });

  it('that failed are shown first, up to half of them', () => {
    const failures = (calls: readonly WireCall[]): number => calls.filter(({ status }) => status >= 500).length;
    assert.equal(paths(sample(many(10), 5)), '/0 /2 /4 /6 /8');
    assert.equal(failures(sample([...many(100), ...many(3, 503, 100)], 10)), 3);
    assert.equal(failures(sample([...many(100), ...many(80, 503, 100)], 10)), 5);
    assert.equal(failures(sample([...many(2), ...many(80, 503, 100)], 10)), 8);
    assert.equal(sample([...many(2), ...many(80, 503, 100)], 10).length, 10);
  });
});

describe('points', () => {
  const second = (at: number) => ({ at, requests: 10, failed: 1, p50: 2, p95: 3, orders: 4 });
  const around = { placed: 5, completed: 6, compensated: 7, inFlight: 8, outbox: 9 };

  it('are one for each second that has finished, with what rows said meanwhile in the latest', () => {
    const points = createPoints(5_000);
    assert.deepEqual(
      points.take([second(4_000), second(5_000)], () => assert.fail('nothing has finished')),
      [],
    );
    const fresh = points.take([second(5_000), second(6_000), second(7_000)], () => around);
    assert.deepEqual(fresh, [
      {
        at: '1970-01-01T00:00:06.000Z',
        requestsPerSecond: 10,
        errorsPerSecond: 1,
        p50: 2,
        p95: 3,
        ordersPerSecond: 4,
        completedPerSecond: 0,
        compensatedPerSecond: 0,
        inFlight: 8,
        outbox: 9,
      },
      {
        at: '1970-01-01T00:00:07.000Z',
        requestsPerSecond: 10,
        errorsPerSecond: 1,
        p50: 2,
        p95: 3,
        ordersPerSecond: 5,
        completedPerSecond: 6,
        compensatedPerSecond: 7,
        inFlight: 8,
        outbox: 9,
      },
    ]);
  });

  it('are kept for a minute', () => {
    const points = createPoints(0);
    for (let at = 1; at <= 100; at += 1) points.take([second(at * 1_000)], () => around);
    assert.equal(points.latest().length, 60);
    assert.equal(points.latest()[0]!.at, '1970-01-01T00:00:41.000Z');
  });
});
