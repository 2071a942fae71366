/**
 * A short campaign: a mesh of its own is broken for some twenty seconds in every way there is, by one seed, and judged as a long
 * run is. The bounds of recovery, and the half second that a cache may be behind, are the long run's: on a machine that
 * others use as well they say nothing.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openStage, reportLines, runChaos, type ChaosReport, type Stage } from '@ballast/campaign';
import { freePortBase } from './support.ts';

const seed = 11;
const seconds = 24;

describe('a mesh that is broken at random', () => {
  let stage: Stage;
  let report: ChaosReport;
  const said: string[] = [];
  /** What a person would need to understand a failure. */
  const told = (): string => [...said, ...reportLines(report)].join('\n');

  before(async () => {
    stage = await openStage({ portBase: await freePortBase(), seed, replicaLagMs: 2_000 });
    report = await runChaos(stage, {
      seed,
      seconds,
      experiment: undefined,
      repeat: `npm run campaign -- --seed ${seed} --minutes ${(seconds / 60).toFixed(2)}`,
      say: (line) => said.push(line),
    });
  });
  after(() => stage.close());

  it('breaks no promise', () => {
    assert.deepEqual(report.violations, [], told());
  });

  it('was really broken, under load, by faults of several kinds', () => {
    assert.deepEqual(
      report.guards.filter(({ met }) => !met),
      [],
      told(),
    );
    const kinds = new Set(report.experiment.steps.flatMap((step) => ('fault' in step ? [step.fault.kind] : [])));
    assert.deepEqual(kinds, new Set(['point', 'link', 'part']));
  });

  it('was watched: the auditor looked at each invariant again and again, and each fault has its receipt', () => {
    assert.ok(report.auditor.answers >= seconds / 2, told());
    for (const { invariant, checks } of report.auditor.invariants) {
      assert.ok(checks > seconds / 6, `invariant ${invariant} was looked at ${checks} times\n${told()}`);
    }
    const measured = report.recovery.filter(({ kind }) => kind !== 'outbox' && kind !== 'sagas');
    assert.equal(
      measured.reduce((sum, { all }) => sum + all, 0),
      report.faults.injected,
      told(),
    );
  });

  it('had customers of every kind, who were told things that are true', () => {
    const { orders, claims, browsing, webhooks, devices, 'stock edits': edits } = report.traffic;
    assert.ok((orders?.['accepted'] ?? 0) > 10, told());
    assert.ok((claims?.['filed'] ?? 0) > 0, told());
    assert.ok((browsing?.['unchanged'] ?? 0) > 0, told());
    assert.ok((devices?.['accepted'] ?? 0) > 10 && (devices?.['malformed'] ?? 0) > 0, told());
    assert.ok((edits?.['written'] ?? 0) > 0, told());
    assert.ok((webhooks?.['applied'] ?? 0) > 0 && (webhooks?.['duplicate'] ?? 0) > 0, told());
  });
});
