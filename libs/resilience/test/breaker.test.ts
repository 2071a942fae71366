import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { configureFaults } from '@ballast/faults';
import { Breaker, Bulkhead, type Pass } from '../src/index.ts';

/** Runs with a clock that is moved by hand; opossum and the breaker use timers, never the time itself, to change state. */
async function withBreaker(work: (breaker: Breaker) => Promise<void> | void): Promise<void> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const breaker = new Breaker({ name: 'test', openMs: 2_000 });
  try {
    await work(breaker);
  } finally {
    breaker.close();
    mock.timers.reset();
  }
}

const enter = (breaker: Breaker): Pass => {
  const pass = breaker.tryEnter();
  assert.ok(pass !== null, `not let through, ${breaker.state}`);
  return pass;
};
const fail = (breaker: Breaker, times: number): void => {
  for (let turn = 0; turn < times; turn += 1) enter(breaker).failed();
};
const statesOf = (breaker: Breaker): string[] => breaker.transitions.map(({ to }) => to);

describe('a circuit breaker', () => {
  it('opens with the tenth failure in a row, in that moment, however much went well before', async () => {
    await withBreaker((breaker) => {
      for (let turn = 0; turn < 5_000; turn += 1) enter(breaker).succeeded();
      fail(breaker, 9);
      assert.equal(breaker.state, 'closed');
      fail(breaker, 1);
      assert.equal(breaker.state, 'open');
      assert.equal(breaker.tryEnter(), null);
      assert.equal(breaker.shortCircuited, 1);
      assert.equal(breaker.retryAfterSeconds(), 2);
      assert.deepEqual(breaker.totals, { answered: 5_000, failed: 10 });
    });
  });

  it('opens when most calls fail, also with some that succeed in between', async () => {
    await withBreaker((breaker) => {
      for (let turn = 0; turn < 20 && breaker.state === 'closed'; turn += 1) {
        const pass = enter(breaker);
        if (turn % 5 === 0) pass.succeeded();
        else pass.failed();
      }
      assert.equal(breaker.state, 'open');
      assert.ok(breaker.totals.failed <= 10, `only after ${breaker.totals.failed} failures`);
    });
  });

  it('stays closed when half of the calls fail', async () => {
    await withBreaker((breaker) => {
      for (let turn = 0; turn < 200; turn += 1) {
        const pass = enter(breaker);
        if (turn % 2 === 0) pass.succeeded();
        else pass.failed();
      }
      assert.equal(breaker.state, 'closed');
    });
  });

  it('lets one probe through when half-open, which closes it or opens it again', async () => {
    await withBreaker((breaker) => {
      fail(breaker, 10);
      mock.timers.tick(2_000);
      assert.equal(breaker.state, 'half-open');
      const probe = enter(breaker);
      assert.equal(probe.isProbe, true);
      assert.equal(breaker.tryEnter(), null);
      probe.failed();
      assert.equal(breaker.state, 'open');
      mock.timers.tick(2_000);
      enter(breaker).succeeded();
      assert.equal(breaker.state, 'closed');
      assert.deepEqual(statesOf(breaker), ['open', 'half-open', 'open', 'half-open', 'closed']);
    });
  });

  it('is moved by the probe alone: calls from before neither close it nor let out another one', async () => {
    await withBreaker((breaker) => {
      const [early, late] = [enter(breaker), enter(breaker)];
      while (breaker.state === 'closed') fail(breaker, 1);
      assert.equal(early.isCurrent, false, 'it would be sent again');
      mock.timers.tick(2_000);
      early.succeeded();
      assert.equal(breaker.state, 'half-open');
      const probe = enter(breaker);
      late.failed();
      assert.equal(breaker.state, 'half-open');
      assert.equal(breaker.tryEnter(), null);
      probe.succeeded();
      assert.equal(breaker.state, 'closed');
    });
  });

  it('does not wait for ever for a probe that learnt nothing', async () => {
    await withBreaker((breaker) => {
      fail(breaker, 10);
      mock.timers.tick(2_000);
      enter(breaker).abandoned();
      assert.equal(breaker.state, 'open');
      mock.timers.tick(2_000);
      enter(breaker).succeeded();
      enter(breaker).abandoned();
      assert.equal(breaker.state, 'closed');
    });
  });

  it('begins anew when it closes: one failure more does not open it', async () => {
    await withBreaker((breaker) => {
      fail(breaker, 10);
      mock.timers.tick(2_000);
      enter(breaker).succeeded();
      fail(breaker, 9);
      assert.equal(breaker.state, 'closed');
    });
  });

  for (const [defect, check] of [
    [
      'resilience.breaker-never-opens',
      (breaker: Breaker) => {
        fail(breaker, 50);
        assert.equal(breaker.state, 'closed');
      },
    ],
    [
      'resilience.breaker-many-probes',
      (breaker: Breaker) => {
        fail(breaker, 10);
        mock.timers.tick(2_000);
        enter(breaker);
        assert.ok(breaker.tryEnter() !== null);
      },
    ],
  ] as const) {
    it(`${defect} can be planted`, async () => {
      configureFaults({ labMode: true, faults: '', defects: defect });
      try {
        await withBreaker(check);
      } finally {
        configureFaults({ labMode: false, faults: '' });
      }
    });
  }
});

describe('a bulkhead', () => {
  it('refuses those beyond its limit, and takes others when there is room again', () => {
    const bulkhead = new Bulkhead(2);
    assert.deepEqual([bulkhead.tryEnter(), bulkhead.tryEnter(), bulkhead.tryEnter()], [true, true, false]);
    assert.deepEqual([bulkhead.inFlight, bulkhead.refused], [2, 1]);
    bulkhead.leave();
    assert.equal(bulkhead.tryEnter(), true);
  });
});
