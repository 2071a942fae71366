/** What `/chaos` knows: events taken in, bounded, and told in words. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fault, LiveMetrics, LiveSnapshot, Move, Verdict, WireCall } from '@ballast/contracts';
import { emptyInbox, mostCalls, mostMoves, receive } from '../src/chaos/inbox.ts';
import type { Inbox } from '../src/chaos/inbox.ts';
import { nothingKnown, readInbox } from '../src/chaos/live.ts';
import type { Live } from '../src/chaos/live.ts';
import { figuresOf, linePath } from '../src/chaos/metrics.ts';
import { createSpeaker, sayingGap, sayingsFor } from '../src/chaos/sayings.ts';
import { everyCall, filterCalls, servicesIn, statusClass } from '../src/chaos/wire.ts';
import { createWorld } from './fake/world.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 10, 21, 9, 0, second)).toISOString();

const call = (number: number, more: Partial<WireCall> = {}): WireCall => ({
  at: at(number % 60),
  service: 'bff',
  instance: 'bff',
  method: 'GET',
  path: '/products/:id',
  status: 200,
  milliseconds: number,
  traceId: null,
  upstreams: [],
  ...more,
});

const move = (number: number): Move => ({
  orderId: `01926f00-0000-7000-8000-${String(number).padStart(12, '0')}`,
  seq: 2,
  from: 'Initiated',
  event: 'StockReserved',
  to: 'StockReserved',
  at: at(0),
});

const point = (second: number, more: Partial<LiveMetrics> = {}): LiveMetrics => ({
  at: at(second),
  requestsPerSecond: second,
  errorsPerSecond: 0,
  p50: null,
  p95: null,
  ordersPerSecond: 0,
  completedPerSecond: 0,
  compensatedPerSecond: 0,
  inFlight: second,
  outbox: 0,
  ...more,
});

function snapshot(): LiveSnapshot {
  const world = createWorld(() => 0.5);
  return {
    at: at(0),
    topology: { nodes: world.nodes(), links: world.liveLinks() },
    phase: { phase: 'STEADY', since: at(0), reason: 'Nothing is broken.', history: [{ phase: 'STEADY', at: at(0) }] },
    faults: { items: [] },
    invariants: world.verdicts(),
    orders: { inFlight: [], totals: { Initiated: 3 } },
    load: world.load,
    experiment: {
      phase: 'idle',
      name: null,
      startedAt: null,
      elapsed: 0,
      seconds: 0,
      step: 0,
      steps: 0,
      doing: '',
      result: null,
      recording: null,
    },
    metrics: [point(0), point(1)],
    wire: [call(1), call(2)],
  };
}

function inboxOf(...events: [name: string, data: unknown][]): Inbox {
  const inbox = emptyInbox();
  for (const [name, data] of events) assert.equal(receive(inbox, name, data), true, name);
  return inbox;
}

const after = (known: Live, ...events: [name: string, data: unknown][]): Live => readInbox(known, inboxOf(...events));

describe('the inbox', () => {
  it('keeps the latest of what replaces and all of what appends', () => {
    const live = after(
      nothingKnown,
      ['snapshot', snapshot()],
      ['faults', { items: [{ id: 'one' } as Fault] }],
      ['faults', { items: [] }],
      ['metrics', point(2)],
      ['metrics', point(3)],
      ['wire', { calls: [call(3)], missed: 7 }],
      ['orders', { moves: [move(1)], skipped: 2, totals: { Initiated: 2 } }],
      ['orders', { moves: [move(2)], skipped: 0, totals: { Initiated: 1 } }],
    );
    assert.deepEqual(live.faults, []);
    assert.deepEqual(
      live.metrics.map(({ requestsPerSecond }) => requestsPerSecond),
      [0, 1, 2, 3],
    );
    assert.deepEqual(
      live.wire.calls.map(({ number, milliseconds }) => [number, milliseconds]),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
    assert.equal(live.wire.missed, 7);
    assert.deepEqual(live.orders, { moves: [move(1), move(2)], missed: 2, totals: { Initiated: 1 } });
  });

  it('begins anew with a snapshot', () => {
    const first = after(nothingKnown, ['snapshot', snapshot()], ['wire', { calls: [call(3)], missed: 9 }]);
    const second = after(first, ['wire', { calls: [call(4)], missed: 1 }], ['snapshot', snapshot()]);
    assert.equal(second.wire.calls.length, 2);
    assert.equal(second.wire.missed, 0);
    assert.equal(second.metrics.length, 2);
    assert.ok((second.wire.calls[0]?.number ?? 0) > 3, 'a row never gets the number of another one');
  });

  it('leaves a slice it says nothing about as it is, so that nothing is drawn in vain', () => {
    const first = after(nothingKnown, ['snapshot', snapshot()]);
    const second = after(first, ['load', first.load]);
    assert.equal(second.topology, first.topology);
    assert.equal(second.wire, first.wire);
    assert.equal(second.orders, first.orders);
  });

  it('stays small however much is told while nothing is drawn', () => {
    const inbox = emptyInbox();
    for (let round = 0; round < 1_000; round += 1) {
      receive(inbox, 'orders', {
        moves: Array.from({ length: 500 }, (_, index) => move(index)),
        skipped: 1,
        totals: {},
      });
      receive(inbox, 'wire', { calls: Array.from({ length: 200 }, (_, index) => call(index)), missed: 1 });
      receive(inbox, 'metrics', point(round));
    }
    assert.equal(inbox.moves.length, mostMoves);
    assert.equal(inbox.missedMoves, 1_000 * 501 - mostMoves);
    assert.equal(inbox.calls.length, mostCalls);
    assert.equal(inbox.missedCalls, 1_000 * 201 - mostCalls);
    const live = readInbox(nothingKnown, inbox);
    assert.equal(live.wire.calls.length, mostCalls);
    assert.equal(live.wire.missed, 1_000 * 201 - mostCalls);
    assert.equal(live.metrics.length, 60);
  });

  it('does not count calls that were shown as missed', () => {
    let live = after(nothingKnown, ['snapshot', snapshot()]);
    for (let round = 0; round < 10; round += 1) {
      live = after(live, ['wire', { calls: Array.from({ length: 100 }, (_, index) => call(index)), missed: 0 }]);
    }
    assert.equal(live.wire.calls.length, mostCalls);
    assert.equal(live.wire.missed, 0);
  });

  it('takes a point that a resumed stream tells again for one point', () => {
    const live = after(nothingKnown, ['snapshot', snapshot()], ['metrics', point(1)], ['metrics', point(2)]);
    assert.equal(live.metrics.length, 3);
  });

  it('passes over events of a newer mesh', () => {
    const inbox = emptyInbox();
    assert.equal(receive(inbox, 'weather', { rain: true }), false);
    assert.deepEqual(inbox, emptyInbox());
  });
});

describe('the figures', () => {
  const figure = (points: LiveMetrics[], name: string) => figuresOf(points).find((known) => known.name === name);

  it('are the mean, the latest or the median of what was measured in 30 s', () => {
    const points = Array.from({ length: 60 }, (_, second) => point(second, { p50: second % 2 === 0 ? null : second }));
    assert.equal(figure(points, 'requests')?.text, '45');
    assert.equal(figure(points, 'inFlight')?.text, '59');
    assert.equal(figure(points, 'p50')?.text, '45 ms');
    assert.equal(figure(points, 'requests')?.line.length, 60);
  });

  it('are a dash where nothing was measured', () => {
    assert.equal(figure([], 'requests')?.text, '–');
    assert.equal(figure([point(1)], 'p95')?.text, '–');
  });

  it('are to be looked at only where errors came', () => {
    assert.equal(figure([point(1)], 'errors')?.alarming, false);
    assert.equal(figure([point(1, { errorsPerSecond: 0.2 })], 'errors')?.alarming, true);
  });

  it('have lines that end now, with gaps where nothing was measured', () => {
    assert.equal(linePath([1, 2], 59, 10), 'M58.0 5.0L59.0 0.0');
    assert.equal(linePath([0, 0], 59, 10), 'M58.0 10.0L59.0 10.0');
    assert.equal(linePath([1, 1, null, 1, 1], 59, 10).match(/M/g)?.length, 2);
    assert.equal(linePath([1], 59, 10), '');
    assert.equal(linePath([], 59, 10), '');
  });
});

describe('the wire feed', () => {
  const calls = [
    call(1),
    call(2, { service: 'claims', instance: 'claims', status: 422, path: '/claims' }),
    call(3, { service: 'checkout', instance: 'checkout-1', status: 503, traceId: '4bf92f' }),
    call(4, { status: 0 }),
  ].map((known, index) => ({ ...known, number: index + 1 }));
  const numbers = (filter: Partial<typeof everyCall>) =>
    filterCalls(calls, { ...everyCall, ...filter }).map(({ number }) => number);

  it('shows the newest above, and filters by service, status and text', () => {
    assert.deepEqual(numbers({}), [4, 3, 2, 1]);
    assert.deepEqual(numbers({ service: 'claims' }), [2]);
    assert.deepEqual(numbers({ status: '5xx' }), [3]);
    assert.deepEqual(numbers({ status: 'none' }), [4]);
    assert.deepEqual(numbers({ text: ' CHECKOUT-1 ' }), [3]);
    assert.deepEqual(numbers({ text: '4BF9' }), [3]);
    assert.deepEqual(numbers({ service: 'claims', status: '2xx' }), []);
    assert.deepEqual(servicesIn(calls), ['bff', 'checkout', 'claims']);
  });

  it('knows the class of every status', () => {
    assert.deepEqual([0, 100, 200, 304, 404, 599, 600].map(statusClass), [
      'none',
      'none',
      '2xx',
      '3xx',
      '4xx',
      '5xx',
      'none',
    ]);
  });
});

describe('what is said aloud', () => {
  const base = after(nothingKnown, ['snapshot', snapshot()]);
  const withVerdict = (invariant: number, state: Verdict['state']): Live => {
    const { invariants } = base;
    assert.ok(invariants !== null);
    const items = invariants.items.map((verdict) =>
      verdict.invariant === invariant ? { ...verdict, state } : verdict,
    );
    return { ...base, invariants: { ...invariants, items } };
  };

  it('are changes of phase, and invariants that break or hold again', () => {
    const degraded = after(base, [
      'phase',
      { phase: 'DEGRADED', since: at(1), reason: 'checkout-1 is killed', history: [] },
    ]);
    assert.deepEqual(sayingsFor(base, degraded), ['Degraded: checkout-1 is killed.']);
    assert.deepEqual(sayingsFor(base, base), []);
    const [broken] = sayingsFor(base, withVerdict(4, 'violated'));
    assert.match(broken ?? '', /^Invariant 4 is violated: No order is captured twice/);
    assert.deepEqual(sayingsFor(withVerdict(4, 'violated'), withVerdict(4, 'violated')), []);
    assert.deepEqual(sayingsFor(withVerdict(4, 'violated'), base), ['Invariant 4 holds again.']);
    assert.deepEqual(
      sayingsFor(withVerdict(4, 'violated'), withVerdict(4, 'unknown')),
      [],
      'nobody knows that it holds',
    );
  });

  it('does not begin with what was there before', () => {
    assert.deepEqual(sayingsFor(nothingKnown, withVerdict(4, 'violated')), []);
  });

  it('comes in one breath every few seconds, and forgets what is no longer news', () => {
    const speaker = createSpeaker();
    speaker.add(['one']);
    assert.equal(speaker.next(0), 'one');
    speaker.add(['two', 'three', 'four', 'five', 'six']);
    assert.equal(speaker.next(sayingGap - 1), null);
    assert.equal(speaker.next(sayingGap), 'three four five six');
    assert.equal(speaker.next(9 * sayingGap), null);
  });
});
