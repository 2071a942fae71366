import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkCredentials, type CredentialsSize } from '../src/guarantees/credentials.ts';

const small: CredentialsSize = {
  rotations: 4,
  leaseSeconds: 2,
  queriesPerSecond: 60,
  longQueryMs: 1_500,
  revocations: 2,
};

it('no query fails over rotations, errors end soon after a revocation, and old logins leave', async () => {
  const { figures, violations } = await checkCredentials(small);
  assert.deepEqual(violations, []);
  assert.ok(figures['rotations']! >= small.rotations);
  assert.equal(figures['failed'], 0);
});

for (const [defect, broken] of [
  ['postgres.no-drain', 'no query fails: '],
  ['postgres.no-revoke', 'old logins leave the database: '],
] as const) {
  it(`${defect} is found`, async () => {
    const { violations } = await checkCredentials({ ...small, revocations: 0, defects: defect });
    assert.ok(
      violations.some((violation) => violation.startsWith(broken)),
      violations.join('\n'),
    );
  });
}
