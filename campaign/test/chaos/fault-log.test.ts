/** What is remembered of faults. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Experiment, Fault, FaultRequest } from '@ballast/contracts';
import { FaultLog } from '../../src/chaos/fault-log.ts';

const at = (milliseconds: number): string => new Date(1_800_000_000_000 + milliseconds).toISOString();
const start = 1_800_000_000_000;
const killed: FaultRequest = {
  kind: 'point',
  instance: 'checkout-1',
  point: 'process.tick',
  action: 'crash',
  seconds: 1,
  times: 1,
};
const dropped: FaultRequest = { kind: 'link', from: 'bff', to: 'redis', toxic: 'drop', stream: 'upstream', seconds: 2 };
const flushed: FaultRequest = { kind: 'part', action: 'redis.flush', seconds: 1 };

let ids = 0;
function fault(
  request: FaultRequest,
  from: number,
  to: number | null,
  recovery: number | null,
  more: Partial<Fault> = {},
): Fault {
  ids += 1;
  return {
    id: `fault-${ids}`,
    request,
    title: `fault ${ids}`,
    nodes: [],
    links: [],
    state: recovery === null ? (to === null ? 'active' : 'recovering') : 'healed',
    injectedAt: at(from),
    until: at(from + 10_000),
    endedAt: to === null ? null : at(to),
    detail: null,
    receipt: {
      requests: 0,
      failed: 0,
      p50: null,
      p95: null,
      outage: null,
      kind: request.kind === 'link' ? 'redis' : 'process',
      recovery,
    },
    ...more,
  };
}
const experimentOf = (...requests: FaultRequest[]): Experiment => ({
  version: 1,
  name: 'test',
  seed: 1,
  seconds: 60,
  steps: requests.map((request, index) => ({ at: index, fault: request })),
});

describe('the log of faults', () => {
  it('counts each fault once however often it is told of, by what it is and whom it hits', () => {
    const log = new FaultLog();
    const first = fault(killed, 0, null, null);
    log.note([first, fault(dropped, 1, 2, 3)]);
    log.note([{ ...first, state: 'healed', endedAt: at(10), receipt: { ...first.receipt, recovery: 20 } }]);
    log.note([fault(dropped, 5, 6, 7)]);
    assert.deepEqual(log.counts(), [
      { what: 'link drop upstream', times: 2, targets: { 'bff>redis': 2 } },
      { what: 'point crash', times: 1, targets: { 'checkout-1 process.tick': 1 } },
    ]);
    assert.deepEqual(log.unhealed, []);
    assert.equal(log.injected.length, 3);
  });

  it('says which faults failed, with the reason, and which the controller never showed', () => {
    const log = new FaultLog();
    log.note([fault(killed, 0, 1, 2), fault(flushed, 0, 0, null, { state: 'failed', detail: 'Redis is not there' })]);
    const sameInAnotherOrder: FaultRequest = {
      times: 1,
      seconds: 1,
      action: 'crash',
      point: 'process.tick',
      instance: 'checkout-1',
      kind: 'point',
    };
    const missing = log.missing(experimentOf(sameInAnotherOrder, flushed, dropped, killed));
    assert.deepEqual(
      missing.map(({ what, target }) => `${what} ${target}`),
      ['redis.flush everybody', 'link drop upstream bff>redis', 'point crash checkout-1 process.tick'],
    );
    assert.equal(missing[0]!.why, 'Redis is not there');
    assert.equal(log.injected.length, 1);
  });

  it('takes a fault that is not healed as one that has no end', () => {
    const log = new FaultLog();
    log.note([fault(killed, 0, 100, null), fault(dropped, 200, 300, 50)]);
    assert.deepEqual(log.windows, [
      { from: start, to: Number.POSITIVE_INFINITY },
      { from: start + 200, to: start + 350 },
    ]);
    assert.deepEqual(log.onTimes, [
      { from: start, to: start + 100 },
      { from: start + 200, to: start + 300 },
    ]);
    assert.equal(log.unhealed.length, 1);
  });

  it('tells a recovery that had the mesh to itself from one that was disturbed', () => {
    const log = new FaultLog();
    log.note([
      fault(killed, 0, 100, 50),
      // Over before that one recovered, so that both disturb each other.
      fault(dropped, 20, 120, 10),
      fault(killed, 1_000, 1_100, 70),
      // Begins when the other is back.
      fault(dropped, 1_171, 1_180, 5),
    ]);
    assert.deepEqual(
      log.recoveries().map(({ milliseconds, alone }) => [milliseconds, alone]),
      [
        [50, false],
        [10, false],
        [70, true],
        [5, true],
      ],
    );
  });
});
