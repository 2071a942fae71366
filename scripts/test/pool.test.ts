/** What the pool of test files promises: never too many at once, each slot to one at a time, in order, and all of them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Job, type Lane, runJobs } from '../runner/pool.ts';

/** Jobs that end in the order in which a test ends them, and what they looked like from outside. */
function bench() {
  const begun: string[] = [];
  const slots: number[] = [];
  const running = new Map<string, () => void>();
  const job = (name: string, lane: Lane): Job => ({
    lane,
    run: async (slot) => {
      begun.push(name);
      assert.ok(!slots.includes(slot), `slot ${slot} is taken`);
      slots.push(slot);
      await new Promise<void>((resolve) => running.set(name, resolve));
      running.delete(name);
      slots.splice(slots.indexOf(slot), 1);
    },
  });
  /** Ends one and lets whoever waits for that go on. */
  const end = async (name: string): Promise<void> => {
    running.get(name)!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, job, end };
}

it('runs as many at once as it may, in order, and one more for each that ends', async () => {
  const { begun, job, end } = bench();
  const lane = { room: 1, atOnce: 2 };
  const all = runJobs(
    ['a', 'b', 'c', 'd'].map((name) => job(name, lane)),
    { room: 2, isOver: () => false },
  );
  assert.deepEqual(begun, ['a', 'b']);
  await end('b');
  assert.deepEqual(begun, ['a', 'b', 'c']);
  await end('a');
  await end('c');
  await end('d');
  await all;
  assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
});

it('takes the next of another kind where there are enough of one, and comes back to it', async () => {
  const { begun, job, end } = bench();
  const [few, many] = [
    { room: 1, atOnce: 1 },
    { room: 1, atOnce: 3 },
  ];
  const all = runJobs([job('few 1', few), job('few 2', few), job('many', many)], { room: 3, isOver: () => false });
  assert.deepEqual(begun, ['few 1', 'many']);
  await end('many');
  assert.deepEqual(begun, ['few 1', 'many']);
  await end('few 1');
  assert.deepEqual(begun, ['few 1', 'many', 'few 2']);
  await end('few 2');
  await all;
});

it('lets a large one take the room of two, and begins small ones where it does not fit', async () => {
  const { begun, job, end } = bench();
  const [large, small] = [
    { room: 2, atOnce: 3 },
    { room: 1, atOnce: 3 },
  ];
  const all = runJobs([job('large 1', large), job('large 2', large), job('small', small)], {
    room: 3,
    isOver: () => false,
  });
  assert.deepEqual(begun, ['large 1', 'small']);
  await end('small');
  assert.deepEqual(begun, ['large 1', 'small']);
  await end('large 1');
  assert.deepEqual(begun, ['large 1', 'small', 'large 2']);
  await end('large 2');
  await all;
});

it('begins no more once it is over, and waits for those that run', async () => {
  const { begun, job, end } = bench();
  const lane = { room: 1, atOnce: 1 };
  let over = false;
  const all = runJobs([job('a', lane), job('b', lane)], { room: 2, isOver: () => over });
  over = true;
  await end('a');
  await all;
  assert.deepEqual(begun, ['a']);
});
