/** Known damage outlasts the auditor: in a file, and from there on the board of the next process. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createBoard, type Board, type KnownDamage } from '../../src/domain/board.ts';
import { openKnownDamage } from '../../src/store/known-damage.ts';

describe('known damage', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-auditor-'));
  });
  after(() => rm(folder, { recursive: true }));

  const boardWith = (known: KnownDamage): Board =>
    createBoard([{ invariant: 4, title: '', when: 'always', parts: { rows: 5_000 } }], {
      now: () => 10_000,
      faults: () => ({ faults: 'none', healedAt: null }),
      known,
    });
  const offends = (board: Board, key: string): string => {
    board.note({ invariant: 4, part: 'rows', detail: '', offences: [{ id: key, why: '', lasts: 0 }] }, 1);
    return board.verdicts()[0]!.state;
  };
  const forgotten = (): { errors: unknown[]; note: (error: unknown) => void } => {
    const errors: unknown[] = [];
    return { errors, note: (error) => void errors.push(error) };
  };

  it('is still known by the next process, and nothing else is', async () => {
    const file = join(folder, 'data', 'known.json');
    const { errors, note } = forgotten();
    const first = await openKnownDamage(file, note);
    assert.deepEqual(first.known, {});
    const board = boardWith(first.known);
    assert.equal(offends(board, 'order-1'), 'violated');
    board.acknowledge(4, { from: 1, to: 2 });
    await Promise.all([first.keep(board.known()), first.keep(board.known())]);

    const next = await openKnownDamage(file, note);
    assert.deepEqual(next.known, { 4: { keys: ['order-1'], windows: [{ from: 1, to: 2 }] } });
    assert.equal(offends(boardWith(next.known), 'order-1'), 'holds');
    assert.equal(offends(boardWith(next.known), 'order-2'), 'violated');
    assert.deepEqual(await readdir(join(folder, 'data')), ['known.json']);
    assert.deepEqual(errors, []);
  });

  it('that cannot be read is told to be forgotten', async () => {
    for (const text of ['{"4":', '{"4":{"keys":"all","windows":[]}}', 'null']) {
      const file = join(folder, 'torn.json');
      await writeFile(file, text);
      const { errors, note } = forgotten();
      assert.deepEqual((await openKnownDamage(file, note)).known, {});
      assert.equal(errors.length, 1, text);
    }
  });

  it('is kept nowhere without a file', async () => {
    const { known, keep } = await openKnownDamage(undefined, () => assert.fail('nothing was kept'));
    await keep({ 4: { keys: ['order-1'], windows: [] } });
    assert.deepEqual(known, {});
  });
});
