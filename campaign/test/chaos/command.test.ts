/** What the command takes, and what it prints. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { NoExperiment, readExperiment, repeatOf } from '../../src/chaos/command.ts';
import { drawPlan } from '../../src/chaos/plan.ts';
import { reportLines, type ChaosReport } from '../../src/chaos/report.ts';
import { readOptions } from '../../src/config.ts';
import { targets } from './targets.ts';

describe('an experiment’s file', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-experiment-'));
  });
  after(() => rm(folder, { recursive: true }));
  const file = async (text: string): Promise<string> => {
    const path = join(folder, `${Math.random()}.json`);
    await writeFile(path, text);
    return path;
  };

  it('is read as it was exported', async () => {
    const plan = drawPlan({ seed: 7, seconds: 60, targets });
    assert.deepEqual(await readExperiment(await file(JSON.stringify(plan))), plan);
  });

  it('is refused with a sentence that names what is wrong', async () => {
    const plan = drawPlan({ seed: 7, seconds: 60, targets });
    await assert.rejects(readExperiment(await file('{')), NoExperiment);
    await assert.rejects(readExperiment(join(folder, 'absent.json')), /absent\.json cannot be read/);
    await assert.rejects(readExperiment(await file(JSON.stringify({ ...plan, seconds: 0 }))), /seconds/);
    await assert.rejects(readExperiment(await file(JSON.stringify({ ...plan, surprise: 1 }))), NoExperiment);
  });
});

describe('the command line', () => {
  it('takes fractions of a minute, and refuses what is no length', () => {
    assert.equal(readOptions(['--seed', '7', '--minutes', '0.5'])?.minutes, 0.5);
    assert.equal(readOptions([])?.minutes, undefined);
    assert.throws(() => readOptions(['--minutes', '0']), /--minutes/);
    assert.throws(() => readOptions(['--minutes', 'long']), /--minutes/);
  });

  it('says how to do the same again', () => {
    const command = { seed: 7, minutes: 5, experiment: undefined, report: undefined, keep: false, portBase: 7100 };
    assert.equal(repeatOf(command), 'npm run campaign -- --seed 7 --minutes 5');
    assert.equal(repeatOf({ ...command, experiment: 'a.json' }), 'npm run campaign -- --experiment a.json');
  });
});

describe('the report', () => {
  const experiment = drawPlan({ seed: 7, seconds: 60, targets });
  const report: ChaosReport = {
    repeat: 'npm run campaign -- --seed 7 --minutes 1',
    passed: false,
    startedAt: new Date().toISOString(),
    seconds: { scheduled: 60, whole: 99 },
    machine: { cores: 2, loadBefore: 1.25, loadAfter: 2.5 },
    targets: 'abc',
    experiment,
    faults: {
      injected: 3,
      kinds: [{ what: 'redis.flush', times: 3, targets: { everybody: 3 } }],
      missing: [{ what: 'vault.seal', target: 'everybody', why: 'Vault is not there' }],
    },
    recovery: [
      {
        kind: 'redis',
        all: 3,
        alone: 2,
        p50: 100,
        p99: 2_500,
        p99OfAll: 2_600,
        bound: 2_000,
        kept: false,
        slowest: 'Redis forgets everything',
      },
    ],
    auditor: {
      answers: 60,
      silences: 1,
      invariants: [
        {
          invariant: 1,
          title: 'Stock',
          when: 'always',
          checks: 59,
          unknown: 0,
          violated: 2,
          violations: 2,
          last: 'violated',
          detail: '',
        },
      ],
    },
    load: {
      load: { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 },
      sent: 9,
      accepted: 8,
      refused: 0,
      failed: 1,
      inFlight: 0,
      skipped: 0,
    },
    traffic: { orders: { requests: 5, accepted: 4 } },
    ends: { Completed: 6, Compensated: 6 },
    guards: [{ name: 'faults injected', wanted: 'at least 12', got: '3', met: false }],
    violations: [{ invariant: 'auditor 1, Stock (always)', detail: 'violated in 2 looks' }],
  };

  it('says what was injected, what was not and why, what was missed, what was violated, and how to repeat it', () => {
    const text = reportLines(report).join('\n');
    for (const part of [
      '3 redis.flush',
      'vault.seal everybody: Vault is not there',
      'MISSED by: Redis forgets everything',
      '59 times, 2 violated, at the end violated',
      'NO  faults injected: 3 (at least 12)',
      'auditor 1, Stock (always): violated in 2 looks',
      'repeat with npm run campaign -- --seed 7 --minutes 1',
    ]) {
      assert.ok(text.includes(part), `${part} is not in:\n${text}`);
    }
    assert.ok(
      !reportLines({ ...report, passed: true })
        .join('\n')
        .includes('repeat with'),
    );
  });
});
