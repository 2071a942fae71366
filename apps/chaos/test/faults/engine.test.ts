/** The life of faults, with plans that do what a test tells them: what is lost, late, slow or stubborn. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ProblemError } from '@ballast/service';
import type { Fault, FaultRequest } from '@ballast/contracts';
import { until } from '@ballast/testing';
import { createFaults, type Faults } from '../../src/faults/engine.ts';
import type { Plan } from '../../src/faults/lever.ts';
import { createChaosState, type ChaosState } from '../../src/state.ts';

/** A thing to break, and what happens to it. */
interface Lever {
  /** Who has broken it and not been taken back, by the title of the fault. */
  broken: Set<string>;
  inject: (title: string) => Promise<void>;
  end: (title: string) => Promise<void>;
  planned: () => Promise<void>;
  exclusive: string | null;
  waiting: string[];
  ends: number;
}

describe('a fault', () => {
  let lever: Lever;
  let state: ChaosState;
  let faults: Faults;
  let complaints: string[];
  beforeEach(() => {
    lever = {
      broken: new Set(),
      inject: async () => {},
      end: async () => {},
      planned: async () => {},
      exclusive: null,
      waiting: [],
      ends: 0,
    };
    complaints = [];
    state = createChaosState([]);
    faults = createFaults({
      plan: async (_id, request) => {
        await lever.planned();
        return planOf(request);
      },
      state,
      report: (what) => complaints.push(what),
    });
  });
  afterEach(() => faults.close(0));

  const planOf = (request: FaultRequest): Plan => {
    const title = request.kind === 'point' ? request.instance : request.kind;
    return {
      title,
      nodes: [],
      links: [],
      kind: 'process',
      lasts: true,
      exclusive: lever.exclusive,
      inject: async () => {
        await lever.inject(title);
        lever.broken.add(title);
      },
      end: async () => {
        lever.ends += 1;
        await lever.end(title);
        // There is one of it only: taking back ends whatever is there.
        if (lever.exclusive === null) lever.broken.delete(title);
        else lever.broken.clear();
      },
      waiting: async () => lever.waiting,
    };
  };
  const request = (instance: string, seconds = 60): FaultRequest => ({
    kind: 'point',
    instance,
    point: 'victim.work',
    action: 'error',
    seconds,
  });
  const at = (id: string): Fault['state'] | undefined => faults.find(id)?.state;

  it('that comes while another of its kind is being injected takes its place, and is taken back at its own end', async () => {
    lever.exclusive = 'the only one';
    const [first, second] = await Promise.all([faults.inject(request('first')), faults.inject(request('second', 1))]);
    assert.deepEqual([at(first.id), at(second.id)], ['healed', 'active']);
    assert.equal(faults.window().active, true);
    await until('it has ended by itself', () => at(second.id) === 'healed');
    assert.deepEqual([...lever.broken], []);
  });

  it('whose answer was lost is taken back, however late that is known', async () => {
    lever.inject = async (title) => {
      lever.broken.add(title);
      const { until: end } = state.get('faults')[0]!;
      await until('it should be over already', () => Date.now() > Date.parse(end));
      throw new Error('no answer in time');
    };
    const fault = await faults.inject(request('lost', 1));
    assert.deepEqual([fault.state, fault.detail], ['failed', 'no answer in time']);
    await until('it is taken back', () => lever.broken.size === 0);
  });

  it('that failed counts as one until it is taken back, which is tried until it works', async () => {
    lever.inject = async (title) => {
      lever.broken.add(title);
      throw new Error('no answer in time');
    };
    lever.end = async () => {
      if (lever.ends < 3) throw new Error('nobody there');
    };
    const fault = await faults.inject(request('lost'));
    assert.deepEqual([fault.state, faults.busy(), faults.window().active], ['failed', true, true]);
    await until('it is taken back', () => lever.broken.size === 0);
    assert.equal(lever.ends, 3);
    await until('nothing is left to do', () => !faults.busy());
    assert.deepEqual([faults.window().active, at(fault.id)], [false, 'failed']);
    assert.deepEqual(new Set(complaints), new Set(['a fault that failed cannot be taken back yet']));
  });

  it('is ended again and again until that has worked, and says why it has not yet', async () => {
    lever.end = async () => {
      if (lever.ends < 3) throw new Error('nobody there');
    };
    const fault = await faults.inject(request('stubborn'));
    const seen = new Set<string | null>();
    const unwatch = state.onChange('faults', ([first]) => seen.add(first!.detail));
    assert.equal((await faults.heal(fault.id))?.state === 'active', false);
    unwatch();
    assert.ok(seen.has('It cannot be ended yet: nobody there'));
    assert.equal(lever.ends, 3);
    assert.deepEqual([...lever.broken], []);
  });

  it('is over only when what it hurt works again, and its receipt is closed then', async () => {
    lever.waiting = ['victim-1: warmth'];
    const fault = await faults.inject(request('slow to recover'));
    await faults.heal(fault.id);
    assert.equal(at(fault.id), 'recovering');
    await until('it is said who is not ready', () => /Not ready yet: victim-1/.test(faults.find(fault.id)!.detail!));
    faults.note({ at: 1, milliseconds: 3, answered: true, failed: false });
    assert.equal(faults.window().active, true);
    lever.waiting = [];
    await until('it has healed', () => at(fault.id) === 'healed');
    faults.note({ at: 2, milliseconds: 3, answered: true, failed: false });
    const { receipt } = faults.find(fault.id)!;
    assert.deepEqual([receipt.requests, receipt.recovery !== null], [1, true]);
    assert.deepEqual(
      [faults.window().active, faults.window().lastHealAt === null, faults.busy()],
      [false, false, false],
    );
  });

  it('is remembered for a while after its end: the latest two hundred are', async () => {
    for (let number = 0; number < 205; number += 1) {
      const fault = await faults.inject(request(`number-${number}`));
      await faults.heal(fault.id);
    }
    const lasting = await faults.inject(request('lasting'));
    await until('all but one are over', () => {
      faults.publish();
      return faults.list().filter((fault) => fault.state === 'active').length === 1 && faults.list().length === 201;
    });
    assert.deepEqual(
      [faults.list()[0]!.id, faults.list().at(-1)!.title, state.get('faults').length],
      [lasting.id, 'number-5', 201],
    );
  });
});

describe('a controller that ends', () => {
  let faults: Faults;
  const plan = (more: Partial<Plan>): Plan => ({
    title: 'a fault',
    nodes: [],
    links: [],
    kind: 'process',
    lasts: true,
    exclusive: null,
    inject: async () => {},
    end: async () => {},
    waiting: async () => [],
    ...more,
  });
  const open = (planFor: () => Promise<Plan>): Faults =>
    createFaults({ plan: planFor, state: createChaosState([]), report: () => {} });
  const request: FaultRequest = {
    kind: 'point',
    instance: 'victim-1',
    point: 'victim.work',
    action: 'error',
    seconds: 60,
  };

  it('takes back what is injected while it ends', async () => {
    const injected = Promise.withResolvers<void>();
    let broken = false;
    faults = open(async () =>
      plan({
        inject: async () => {
          broken = true;
          await injected.promise;
        },
        end: async () => {
          broken = false;
        },
      }),
    );
    const injecting = faults.inject(request);
    await until('it is being injected', () => broken);
    const closed = faults.close(5_000);
    injected.resolve();
    await closed;
    assert.equal(broken, false);
    await injecting;
  });

  it('takes back what failed and may be there all the same', async () => {
    let broken = false;
    let reachable = false;
    faults = open(async () =>
      plan({
        inject: async () => {
          broken = true;
          throw new Error('no answer in time');
        },
        end: async () => {
          if (!reachable) throw new Error('nobody there');
          broken = false;
        },
      }),
    );
    await faults.inject(request);
    reachable = true;
    await faults.close(5_000);
    assert.equal(broken, false);
  });

  it('injects nothing that was still being planned', async () => {
    const planned = Promise.withResolvers<void>();
    let injections = 0;
    faults = open(async () => {
      await planned.promise;
      return plan({
        inject: async () => {
          injections += 1;
        },
      });
    });
    const injecting = assert.rejects(
      faults.inject(request),
      (error) => error instanceof ProblemError && error.code === 'unavailable',
    );
    await faults.close(5_000);
    planned.resolve();
    await injecting;
    await assert.rejects(faults.inject(request), ProblemError);
    assert.deepEqual([injections, faults.list().length], [0, 0]);
  });

  it('gives up in time what cannot be taken back, and leaves nobody busy behind', async () => {
    let tries = 0;
    const stubborn = async (): Promise<never> => {
      tries += 1;
      throw new Error('nobody there');
    };
    let broken = 0;
    faults = open(async () =>
      plan({
        inject: async () => {
          broken += 1;
          if (broken === 2) throw new Error('no answer in time');
        },
        end: stubborn,
      }),
    );
    await faults.inject(request);
    await faults.inject(request);
    const began = performance.now();
    await faults.close(300);
    const took = performance.now() - began;
    assert.ok(took >= 290 && took < 2_000, `${took} ms`);
    assert.ok(tries >= 2 && tries < 40, `${tries} tries`);
    const then = tries;
    // Longer than any rest between two tries while it ends.
    await until('they would have tried again', () => performance.now() - began > took + 600);
    assert.equal(tries, then);
  });
});
