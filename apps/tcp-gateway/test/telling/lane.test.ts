/** Batches on their way: sent until confirmed, a bounded number at a time, and counted whatever becomes of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '@ballast/testing';
import { Lane } from '../../src/telling/lane.ts';

/** A lane to a broker that the test plays: each sent batch waits in `sent` until it is answered. */
function bench(options: { items?: number; bytes?: number; inFlight?: number } = {}) {
  const state = { batches: [] as number[][], sent: [] as { batch: number[]; answer: (good: boolean) => void }[] };
  const counts = { told: 0, dropped: 0, errors: 0 };
  const lane = new Lane<number>({
    limits: { items: options.items ?? 10_000, bytes: options.bytes ?? 1_000_000_000 },
    inFlight: options.inFlight ?? 2,
    batch: (batch) => {
      state.batches.push(batch);
      return () =>
        new Promise((resolve, reject) => {
          const answer = (good: boolean): void => (good ? resolve() : reject(new Error('no confirm')));
          state.sent.push({ batch, answer });
        });
    },
    onTold: (items) => void (counts.told += items),
    onDropped: (items) => void (counts.dropped += items),
    onError: () => void (counts.errors += 1),
  });
  const fill = (count: number, bytes = 1): void => {
    for (let item = 0; item < count; item += 1) lane.add(item, bytes);
  };
  return { lane, state, counts, fill };
}

describe('a lane', () => {
  it('sends what gathered as one batch, in order', async () => {
    const { state, counts, fill } = bench();
    fill(120);
    await until('a batch', () => state.sent.length === 1);
    assert.deepEqual(
      state.sent[0]!.batch,
      Array.from({ length: 120 }, (_, item) => item),
    );
    state.sent[0]!.answer(true);
    await until('it is told', () => counts.told === 120);
  });

  it('makes a batch once, and sends the very same again until it is confirmed', async () => {
    const { lane, state, counts, fill } = bench();
    fill(3);
    await until('the first try', () => state.sent.length === 1);
    state.sent[0]!.answer(false);
    await until('the second try', () => state.sent.length === 2);
    assert.equal(state.sent[1]!.batch, state.sent[0]!.batch);
    assert.deepEqual([lane.waiting, counts.told], [3, 0]);
    state.sent[1]!.answer(true);
    await until('it is told', () => counts.told === 3);
    assert.deepEqual([lane.waiting, state.batches.length, counts.errors], [0, 1, 1]);
  });

  it('has no more on its way than it may, of at most five hundred items or a mebibyte each', async () => {
    const { lane, state, counts, fill } = bench();
    fill(2_000);
    await until('two batches', () => state.sent.length === 2);
    assert.deepEqual([state.sent.map(({ batch }) => batch.length), lane.waiting], [[500, 500], 2_000]);
    for (let answered = 0; counts.told < 2_000;) {
      await until('the next batch', () => state.sent.length > answered);
      state.sent[answered]!.answer(true);
      answered += 1;
      await until('it is told', () => counts.told === answered * 500);
    }
    assert.deepEqual(
      state.batches.flat(),
      Array.from({ length: 2_000 }, (_, item) => item),
    );

    const large = bench();
    large.fill(5, 600_000);
    await until('two batches', () => large.state.sent.length === 2);
    assert.deepEqual(
      large.state.sent.map(({ batch }) => batch.length),
      [1, 1],
    );
  });

  it('forgets the oldest of those that wait, never of those on their way, and counts them', async () => {
    const { lane, state, counts, fill } = bench({ items: 100, inFlight: 1 });
    fill(10);
    await until('a batch', () => state.sent.length === 1);
    fill(250);
    assert.deepEqual([counts.dropped, lane.waiting], [150, 110]);
    state.sent[0]!.answer(true);
    await until('the next batch', () => state.sent.length === 2);
    assert.deepEqual(
      state.sent[1]!.batch,
      Array.from({ length: 100 }, (_, item) => item + 150),
    );
  });

  it('sends what is left at its end, and is done when that is confirmed', async () => {
    const { lane, state, counts, fill } = bench();
    fill(5);
    const finished = lane.finish(5_000);
    await until('the batch', () => state.sent.length === 1);
    state.sent[0]!.answer(true);
    await finished;
    assert.deepEqual(counts, { told: 5, dropped: 0, errors: 0 });
  });

  it('counts as dropped what is not confirmed at its end, and what comes after it', async () => {
    const { lane, state, counts, fill } = bench({ inFlight: 1 });
    fill(700);
    await until('a batch', () => state.sent.length === 1);
    await lane.finish(50);
    assert.deepEqual([counts.told, counts.dropped, lane.waiting], [0, 700, 0]);
    state.sent[0]!.answer(true);
    fill(1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([counts.told, counts.dropped], [0, 701]);
  });
});
