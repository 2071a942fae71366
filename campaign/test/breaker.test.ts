import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkBreaker } from '../src/guarantees/breaker.ts';
import { assertFound } from './found.ts';

it('the breaker opens within ten failures, sends nothing while open, and one probe when half-open', async () => {
  const { figures, violations } = await checkBreaker({ cycles: 2, openWithinMs: 2_000 });
  assert.deepEqual(violations, []);
  assert.equal(figures['cycles'], 2);
  assert.ok((figures['callsWhileOpen'] ?? 0) >= 10, 'hardly called while open');
});

for (const [defect, broken] of [
  ['resilience.breaker-many-probes', / probes instead of one$/],
  ['resilience.breaker-never-opens', / not open after 10 failures$/],
] as const) {
  it(`${defect} is found`, async () => {
    await assertFound(() => checkBreaker({ cycles: 1, defects: defect }), broken);
  });
}
