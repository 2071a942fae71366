import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, describe, it } from 'node:test';
import {
  arm,
  configureFaults,
  declareFailPoints,
  disarm,
  failPoint,
  InjectedFault,
  isFailPoint,
  listArmed,
  listFailPoints,
  parseFaults,
} from '../src/index.ts';

describe('fail points', () => {
  afterEach(() => configureFaults({ labMode: false, faults: '' }));

  it('do nothing outside the lab, whatever is asked for', () => {
    configureFaults({ labMode: false, faults: 'a=error' });
    assert.equal(failPoint('a'), undefined);
    assert.throws(() => arm({ point: 'a', action: 'error', milliseconds: 0, skip: 0, times: 1 }), /lab mode/);
  });

  it('fire after the passes to skip and only so many times', () => {
    configureFaults({ labMode: true, faults: 'a=error@1x2' });
    assert.equal(failPoint('a'), undefined);
    assert.throws(() => failPoint('a'), InjectedFault);
    assert.throws(() => failPoint('a'), InjectedFault);
    assert.equal(failPoint('a'), undefined);
  });

  it('can be narrowed by a detail', () => {
    configureFaults({ labMode: true, faults: 'a.release-stock=error' });
    assert.equal(failPoint('a', 'ReserveStock'), undefined);
    assert.throws(() => failPoint('a', 'ReleaseStock'), InjectedFault);
  });

  it('delay for the time given', async () => {
    configureFaults({ labMode: true, faults: 'a=delay:20' });
    const before = performance.now();
    await failPoint('a');
    assert.ok(performance.now() - before >= 19);
  });

  it('fire at every pass while they are armed without an end', () => {
    configureFaults({ labMode: true, faults: '' });
    arm({ point: 'a', action: 'error', milliseconds: 0, skip: 0, times: Number.POSITIVE_INFINITY });
    for (let pass = 0; pass < 100; pass += 1) assert.throws(() => failPoint('a'), InjectedFault);
    disarm('a');
    assert.equal(failPoint('a'), undefined);
  });

  it('do nothing any more once their time is over, even before anybody has disarmed them', () => {
    configureFaults({ labMode: true, faults: '' });
    arm({ point: 'a', action: 'error', milliseconds: 0, skip: 0, times: 9, until: performance.now() });
    assert.equal(failPoint('a'), undefined);
    assert.deepEqual(listArmed(), []);
  });

  it('end a delay when they are disarmed, and when their own time is over', async () => {
    configureFaults({ labMode: true, faults: 'a=delay:600000' });
    const before = performance.now();
    const first = failPoint('a');
    disarm('a');
    await first;
    arm({ point: 'a', action: 'delay', milliseconds: 600_000, skip: 0, times: 1, until: performance.now() + 20 });
    await failPoint('a');
    assert.ok(performance.now() - before < 60_000);
  });

  it('stop the whole process for the time given, and let it thaw by itself', () => {
    configureFaults({ labMode: true, faults: 'a=freeze:50' });
    const before = performance.now();
    let timers = 0;
    const timer = setInterval(() => (timers += 1), 1);
    assert.equal(failPoint('a'), undefined);
    clearInterval(timer);
    assert.ok(performance.now() - before >= 49);
    assert.equal(timers, 0);
  });

  it('never stop it for longer than they are armed', () => {
    configureFaults({ labMode: true, faults: '' });
    const before = performance.now();
    const until = before + 50;
    arm({ point: 'a', action: 'freeze', milliseconds: Number.POSITIVE_INFINITY, skip: 0, times: 1, until });
    assert.equal(failPoint('a'), undefined);
    assert.ok(performance.now() - before >= 49);
  });

  it('are known before they were passed, with where they are, once their module has declared them', () => {
    configureFaults({ labMode: true, faults: '' });
    declareFailPoints({ 'before-supper': 'the table is laid' });
    assert.equal(listFailPoints()['before-supper'], 'the table is laid');
    assert.deepEqual(['before-supper', 'before-supper.soup', 'before-suppers', 'before'].map(isFailPoint), [
      true,
      true,
      false,
      false,
    ]);
  });

  it('are listed once passed, and disarmed by name', () => {
    configureFaults({ labMode: true, faults: 'b=errorx9' });
    disarm('b');
    assert.equal(failPoint('b'), undefined);
    assert.ok(Object.hasOwn(listFailPoints(), 'b'));
  });

  it('name the text they cannot read', () => {
    assert.throws(() => parseFaults('a=explode'), /a=explode/);
  });

  it('kill the process outright when armed with crash', () => {
    const script = `
      import { configureFaults, failPoint } from '${new URL('../src/index.ts', import.meta.url).href}';
      process.on('exit', () => console.log('exited politely'));
      configureFaults({ labMode: true, faults: 'a=crash' });
      await failPoint('a');
      console.log('survived');`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    assert.equal(child.signal, 'SIGKILL');
    assert.equal(child.stdout, '');
  });
});
