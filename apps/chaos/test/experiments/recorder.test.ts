/** Recordings: what they hold, where they end, and that what they make is an experiment. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { Experiment, type Fault, type FaultRequest, type Load } from '@ballast/contracts';
import { Compile } from 'typebox/compile';
import { readLibrary } from '../../src/experiments/library.ts';
import { createRecorder, type Recorder } from '../../src/experiments/recorder.ts';

const experimentCheck = Compile(Experiment);
const noLoad: Load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };
const someLoad: Load = { ordersPerSecond: 5, declined: 0.1, readsPerSecond: 2 };
const request: FaultRequest = { kind: 'part', action: 'redis.freeze', seconds: 30 };
const begin = Date.parse('2026-11-21T12:34:56.000Z');

describe('a recording', () => {
  let time: number;
  let recorder: Recorder;
  beforeEach(() => {
    time = begin;
    recorder = createRecorder(() => time);
  });

  const fault = (id: string, from: number, to: number | null, lasts = 30): Fault => ({
    id,
    request,
    title: '',
    nodes: [],
    links: [],
    state: to === null ? 'active' : 'healed',
    injectedAt: new Date(begin + from).toISOString(),
    until: new Date(begin + from + lasts * 1_000).toISOString(),
    endedAt: to === null ? null : new Date(begin + to).toISOString(),
    detail: null,
    receipt: { requests: 0, failed: 0, p50: null, p95: null, outage: null, kind: 'redis', recovery: null },
  });
  const end = (faults: readonly Fault[] = []): Experiment => {
    const experiment = recorder.end((id) => faults.find((each) => each.id === id) ?? null);
    assert.deepEqual([...experimentCheck.Errors(experiment)], []);
    return experiment!;
  };

  it('holds faults and load with their times, and lasts as long as it was recorded', () => {
    assert.equal(recorder.begin(noLoad), true);
    time = begin + 2_040;
    recorder.loaded(someLoad);
    const first = fault('first', 5_120, null);
    time = begin + 5_300;
    recorder.injected(first);
    time = begin + 9_010;
    recorder.loaded(noLoad);
    assert.deepEqual(recorder.state(), { since: '2026-11-21T12:34:56.000Z', steps: 3 });
    assert.deepEqual(end([first]), {
      version: 1,
      name: 'Recorded 2026-11-21 12:34',
      seed: 1,
      seconds: 10,
      steps: [
        { at: 2, load: someLoad },
        { at: 5.1, fault: request },
        { at: 9, load: noLoad },
      ],
    });
  });

  it('begins with the load that was on already, and with none where there was none', () => {
    recorder.begin(someLoad);
    assert.deepEqual(end().steps, [{ at: 0, load: someLoad }]);
    recorder.begin(noLoad);
    assert.deepEqual(end().steps, []);
  });

  it('keeps a fault that was healed by hand as long as it really lasted, and no longer than it was meant to', () => {
    recorder.begin(noLoad);
    const faults = [
      fault('healed early', 1_000, 4_200),
      fault('ended late', 1_000, 91_000),
      fault('over at once', 1_000, 1_000, 0),
      fault('not over', 1_000, null),
    ];
    for (const each of faults) recorder.injected(each);
    recorder.injected(fault('forgotten', 1_000, 3_000));
    const seconds = end(faults).steps.map((step) => ('fault' in step ? step.fault.seconds : null));
    assert.deepEqual(seconds, [4, 30, 30, 30, 30]);
  });

  it('puts what was told late where it belongs', () => {
    recorder.begin(noLoad);
    time = begin + 3_000;
    recorder.loaded(someLoad);
    time = begin + 5_000;
    recorder.injected(fault('slow', 1_000, null));
    recorder.injected(fault('from before', -3_000, null));
    assert.deepEqual(
      end().steps.map(({ at }) => at),
      [0, 1, 3],
    );
  });

  it('is one at a time, and gone once it has ended', () => {
    assert.equal(recorder.state(), null);
    assert.equal(
      recorder.end(() => null),
      null,
    );
    recorder.loaded(someLoad);
    assert.equal(recorder.begin(noLoad), true);
    assert.equal(recorder.begin(someLoad), false);
    assert.deepEqual(end().steps, []);
    assert.equal(
      recorder.end(() => null),
      null,
    );
  });

  it('is bounded: two thousand steps, and an hour', () => {
    recorder.begin(noLoad);
    for (let step = 0; step < 2_500; step += 1) {
      time = begin + step;
      recorder.loaded(someLoad);
    }
    assert.equal(recorder.state()!.steps, 2_000);
    assert.equal(end().steps.length, 2_000);

    time = begin;
    recorder.begin(noLoad);
    time = begin + 3_599_000;
    recorder.loaded(someLoad);
    time = begin + 3_601_000;
    recorder.loaded(noLoad);
    const { seconds, steps } = end();
    assert.deepEqual([seconds, steps], [3_600, [{ at: 3_599, load: someLoad }]]);
  });

  it('has no step after its end, also where the clock was set back', () => {
    recorder.begin(noLoad);
    time = begin + 60_000;
    recorder.loaded(someLoad);
    time = begin + 10_000;
    assert.equal(end().seconds, 60);
  });
});

describe('the library', () => {
  it('is read from its folder, by name', () => {
    const experiments = readLibrary(join(import.meta.dirname, '../../experiments'));
    assert.deepEqual(
      experiments.map(({ name }) => name),
      ['drill', 'tour in a minute'],
    );
    for (const { seconds, steps } of experiments) assert.ok(steps.every(({ at }) => at <= seconds));
  });

  it('refuses a file that is no experiment, by its name and what is wrong', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-library-'));
    try {
      writeFileSync(join(folder, 'notes.txt'), 'not looked at');
      writeFileSync(join(folder, 'a.json'), JSON.stringify({ version: 1, name: 'a', seed: -1, seconds: 1, steps: [] }));
      assert.throws(() => readLibrary(folder), /a\.json is no experiment: \/seed /);
      writeFileSync(join(folder, 'a.json'), '{');
      assert.throws(() => readLibrary(folder), SyntaxError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
