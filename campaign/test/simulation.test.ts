/** Simulated worlds: thousands hold, the same seed is the same world, and what is broken on purpose is found. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { configureFaults } from '@ballast/faults';
import { hollowness, readSimulation } from '../src/simulation/command.ts';
import { controls } from '../src/simulation/controls.ts';
import { simulateMany } from '../src/simulation/crowd.ts';
import { simulate } from '../src/simulation/simulate.ts';

describe('simulated worlds', () => {
  afterEach(() => configureFaults({ labMode: false, faults: '' }));

  it('hold, 3,000 of them or as many as there is time for, with trouble in most', async () => {
    const tally = await simulateMany({ first: 1, many: 3_000, forMs: 6_000 });
    assert.deepEqual(tally.bad, []);
    assert.ok(tally.worlds >= 50);
    assert.equal(hollowness(tally), null);
    assert.ok(tally.longestRecoveryMs <= 60_000, `${tally.longestRecoveryMs} ms until all was at rest`);
    if (tally.worlds < 300) return;
    for (const kind of ['crash', 'freeze', 'disconnect', 'database away', 'broker away'])
      assert.ok((tally.trouble[kind] ?? 0) > tally.worlds / 15, `${kind} in few worlds`);
  });

  it('are the same, step by step, for the same seed, also when nobody reads along', async () => {
    const tell = async (seed: number) => {
      const lines: string[] = [];
      const outcome = await simulate(seed, { trace: (line) => lines.push(line) });
      return { lines, outcome };
    };
    for (let seed = 1; seed <= 15; seed += 1) {
      const first = await tell(seed);
      assert.deepEqual(await tell(seed), first);
      assert.deepEqual(await simulate(seed), first.outcome);
    }
    assert.notDeepEqual((await tell(1)).lines, (await tell(2)).lines);
  });

  for (const { name, leavesOut, definition, finds, from = 1, within } of controls) {
    it(`show it when ${name} leaves out ${leavesOut}`, async () => {
      if (definition === undefined) configureFaults({ labMode: true, faults: '', defects: name });
      for (let seed = from; seed < from + within; seed += 1) {
        const { violations } = await simulate(seed, definition === undefined ? {} : { definition });
        if (violations.some((violation) => finds.test(violation))) return;
      }
      assert.fail(`${within} worlds looked well`);
    });
  }

  it('tell which worlds went wrong, and how to see one again', async () => {
    const { bad } = await simulateMany({ first: 1, many: 50, defects: 'outbox.no-inbox' });
    assert.ok(bad.length > 0);
    const [{ seed, violations }] = bad as [(typeof bad)[number]];
    configureFaults({ labMode: true, faults: '', defects: 'outbox.no-inbox' });
    assert.deepEqual((await simulate(seed)).violations, violations);
  });
});

describe('the command line of a simulation', () => {
  it('runs a hundred thousand worlds unless it is told otherwise', () => {
    assert.deepEqual(readSimulation(['--simulate']), { first: 1, many: 100_000, trace: false, defects: '' });
    assert.deepEqual(readSimulation(['--simulate', '--seed', '7', '--trace']), {
      first: 7,
      many: 1,
      trace: true,
      defects: '',
    });
    assert.equal(readSimulation(['--simulate', '--seed', '7', '--seeds', '20'])?.many, 20);
    assert.equal(readSimulation(['--orders', '5']), null);
    assert.throws(() => readSimulation(['--simulate', '--seeds', 'many']), /--seeds must be/);
  });
});
