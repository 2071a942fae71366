/** The metrics every process has. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createMetrics } from '../src/index.ts';

describe('the metrics of a process', () => {
  const { registry } = createMetrics({ service: 'shelf', instance: 'shelf-1' });
  const read = async (name: string): Promise<number | undefined> => {
    const line = (await registry.metrics()).split('\n').find((row) => row.startsWith(`${name}{`));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };

  it('count the files it has open', async () => {
    const before = (await read('process_open_fds'))!;
    const opened = Array.from({ length: 5 }, () => openSync(import.meta.filename, 'r'));
    try {
      assert.equal(await read('process_open_fds'), before + 5);
    } finally {
      for (const file of opened) closeSync(file);
    }
  });

  it('have its memory and its event loop, and nothing that looks through everything that is open', async () => {
    assert.ok((await read('process_resident_memory_bytes'))! > 0);
    assert.notEqual(await read('nodejs_eventloop_lag_seconds'), undefined);
    assert.doesNotMatch(await registry.metrics(), /nodejs_active_/);
  });
});
