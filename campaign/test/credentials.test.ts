import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkCredentials, type CredentialsSize } from '../src/guarantees/credentials.ts';
import { assertFound } from './found.ts';

/** The next login is fetched when a third of the lease is left: three seconds, of which a machine may be held up for two. */
const small: CredentialsSize = {
  rotations: 2,
  leaseSeconds: 10,
  queriesPerSecond: 60,
  longQueryMs: 2_500,
  revocations: 2,
  errorsWithinMs: 4_000,
};
/** Where something is to go wrong there is no need for that. */
const hasty: CredentialsSize = { ...small, rotations: 4, leaseSeconds: 2, longQueryMs: 1_500, revocations: 0 };

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
    await assertFound(() => checkCredentials({ ...hasty, defects: defect }), broken);
  });
}
