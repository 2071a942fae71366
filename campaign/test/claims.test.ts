import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkClaims, type ClaimsSize } from '../src/guarantees/claims.ts';
import { assertFound } from './found.ts';

const small: ClaimsSize = { keys: 60, callers: 10, kills: 2, keysAtOnce: 8 };

it('there is one claim per key and every answer names it, with many callers and kills in between', async () => {
  const { figures, violations } = await checkClaims(small);
  assert.deepEqual(violations, []);
  assert.equal(figures['kills'], small.kills);
  assert.equal(figures['answers'], small.keys * small.callers);
  assert.equal(figures['otherBodiesRefused'], small.keys);
});

for (const [defect, broken] of [
  ['claims.check-then-insert', 'one claim per key: '],
  ['claims.no-fingerprint', 'another body is refused: '],
] as const) {
  it(`${defect} is found`, async () => {
    await assertFound(() => checkClaims({ ...small, keys: 20, kills: 0, defects: defect }), broken);
  });
}
