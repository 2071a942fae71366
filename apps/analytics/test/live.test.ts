import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { configureFaults, plantDefect, removeDefect } from '@ballast/faults';
import { LiveGateways } from '../src/live.ts';
import { newEpoch, reportOf } from './support.ts';

describe('who is connected', () => {
  let now = 0;
  let live: LiveGateways;
  beforeEach(() => {
    now = 1_000;
    live = new LiveGateways(() => now);
  });

  const first = newEpoch();
  const second = newEpoch();
  const open = (connections: number, changes: Partial<Parameters<typeof reportOf>[0]> = {}) =>
    live.note(reportOf({ epoch: first, connections, sessions: connections, ...changes }));

  it('is the sum of what live gateways have counted', () => {
    open(3);
    live.note(reportOf({ gateway: 'gateway-2', epoch: second, connections: 5, sessions: 4 }));
    assert.deepEqual(live.sum(), { gateways: 2, connections: 8, sessions: 7 });
  });

  it('follows the newest report, in whatever order and however often they come', () => {
    open(9, { seq: 7 });
    open(2, { seq: 6 });
    open(9, { seq: 7 });
    assert.equal(live.sum().connections, 9);
  });

  it('forgets a gateway that is not heard of for ten seconds, and no repetition brings it back', () => {
    open(2_000, { seq: 7 });
    now += 10_000;
    assert.equal(live.sum().connections, 2_000);
    now += 1;
    assert.equal(live.sum().connections, 0);
    open(2_000, { seq: 7 });
    open(1_999, { seq: 3 });
    assert.equal(live.sum().connections, 0);
    open(10, { seq: 8 });
    assert.equal(live.sum().connections, 10);
  });

  it('forgets a gateway at once that has drained', () => {
    open(4);
    open(0, { seq: 2, last: true });
    open(4, { seq: 1 });
    assert.deepEqual(live.sum(), { gateways: 0, connections: 0, sessions: 0 });
  });

  it('forgets what a gateway was before as soon as it has started anew', () => {
    open(2_000, { seq: 50 });
    live.note(reportOf({ epoch: second, connections: 10, sessions: 10 }));
    assert.equal(live.sum().connections, 10);
    open(2_000, { seq: 51 });
    assert.equal(live.sum().connections, 10);
  });

  it('is not lost where a clock was set back between two starts', () => {
    live.note(reportOf({ epoch: second, connections: 10, sessions: 10 }));
    open(7);
    assert.equal(live.sum().connections, 10);
    now += 10_001;
    open(7);
    assert.equal(live.sum().connections, 7);
  });

  it('remembers a thousand gateways', () => {
    for (let index = 0; index < 5_000; index += 1) open(1, { gateway: `gateway-${index}` });
    assert.equal(live.sum().gateways, 1_000);
  });

  describe('with a defect', () => {
    beforeEach(() => configureFaults({ labMode: true, faults: '' }));
    afterEach(() => {
      removeDefect('analytics.gauge-without-expiry');
      configureFaults({ labMode: false, faults: '' });
    });

    it('keeps a killed gateway for ever where nothing expires', () => {
      plantDefect('analytics.gauge-without-expiry');
      open(2_000);
      now += 3_600_000;
      assert.equal(live.sum().connections, 2_000);
    });
  });
});
