/** Looking again and again: how long it rests. */
import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import { createLoop } from '../../src/looks/loop.ts';

/** Runs a loop on a clock of its own whose looks take so many ms; returns how long it rested after the first. */
async function restAfter(tookMs: number, everyMs: number, pauses: number): Promise<number> {
  let clock = 0;
  mock.method(performance, 'now', () => clock);
  const asked = mock.method(globalThis, 'setTimeout', (_work: () => void, milliseconds: number) => {
    rests.push(milliseconds);
    return undefined;
  });
  const rests: number[] = [];
  try {
    const loop = createLoop(
      async () => {
        clock += tookMs;
      },
      everyMs,
      assert.ifError,
      pauses,
    );
    loop.start();
    const [begin] = asked.mock.calls.map(({ arguments: [work] }) => work as () => void);
    begin!();
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    return rests[1]!;
  } finally {
    mock.restoreAll();
  }
}

it('a loop begins its looks on time, whatever they take', async () => {
  assert.equal(await restAfter(100, 1_000, 0), 900);
  assert.equal(await restAfter(1_500, 1_000, 0), 20);
});

it('a loop of looks that grow rests a hundred times as long, but a slow one does not wait for minutes', async () => {
  assert.equal(await restAfter(50, 2_000, 100), 5_000);
  assert.equal(await restAfter(600, 2_000, 100), 10_000);
  assert.equal(await restAfter(3_000, 2_000, 100), 30_000);
});
