import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkIdempotency, type IdempotencySize } from '../src/guarantees/idempotency.ts';
import { assertFound } from './found.ts';

const small: IdempotencySize = { keys: 40, callers: 6, kills: 1, keysAtOnce: 20, passLeases: true };

it('there is one effect and one answer per key, with many callers and kills in between', async () => {
  const { figures, violations } = await checkIdempotency(small);
  assert.deepEqual(violations, []);
  assert.equal(figures['effects'], small.keys);
  assert.equal(figures['answers'], small.keys * small.callers);
});

for (const [defect, broken] of [
  ['idempotency.no-lease', 'one effect per key: '],
  ['idempotency.no-fingerprint', 'another body is refused: '],
] as const) {
  it(`${defect} is found`, async () => {
    await assertFound(() => checkIdempotency({ ...small, keys: 10, kills: 0, defects: defect }), broken);
  });
}
