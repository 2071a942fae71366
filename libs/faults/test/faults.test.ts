import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, describe, it } from 'node:test';
import { arm, configureFaults, disarm, failPoint, InjectedFault, listFailPoints, parseFaults } from '../src/index.ts';

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

  it('are listed once passed, and disarmed by name', () => {
    configureFaults({ labMode: true, faults: 'b=errorx9' });
    disarm('b');
    assert.equal(failPoint('b'), undefined);
    assert.ok(listFailPoints().includes('b'));
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
