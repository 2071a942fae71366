import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { checkRevocation } from '@ballast/campaign';
import { demoAccounts } from '@ballast/lab';
import { testMesh, type TestMesh } from './support.ts';

/** Beside the second promised, what a machine may be held up for. */
const withinMs = 4_000;
const small = { revocations: 12, atOnce: 3, withinMs };

/** Guarantee 7 against every service of a whole mesh; `npm run campaign -- --guarantees revocation` has the full size. */
describe('an ended session', () => {
  let test: TestMesh;
  before(async () => {
    test = await testMesh('light');
  });

  /** As an operator would: on the process that runs. */
  const setDefect = async (instance: string, name: string, method: 'PUT' | 'DELETE'): Promise<void> => {
    const login = await fetch(`${test.mesh.urls['identity']!}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(demoAccounts[1]),
    });
    const { accessToken } = (await login.json()) as { accessToken: string };
    const answer = await fetch(`${test.mesh.urls[instance]!}/lab/defects/${name}`, {
      method,
      headers: { authorization: `Bearer ${accessToken}` },
    });
    assert.equal(answer.status, 200);
  };

  /** What is seen while it is planted; it never outlives its test. */
  const withDefect = async (instance: string, name: string): Promise<string[]> => {
    await setDefect(instance, name, 'PUT');
    try {
      return (await checkRevocation(test.mesh, { revocations: 1, atOnce: 1, withinMs })).violations;
    } finally {
      await setDefect(instance, name, 'DELETE');
    }
  };

  it('is refused by every service within a second, its streams are closed, and who cannot know takes no writes', async (context) => {
    const { figures, violations } = await checkRevocation(test.mesh, small);
    context.diagnostic(JSON.stringify(figures));
    assert.deepEqual(violations, []);
    assert.equal(figures['revocations'], small.revocations);
    assert.equal(figures['services'], 8);
    assert.equal(figures['streams closed'], 3);
    assert.equal(figures['services that refused writes unknowing'], 7);
  });

  it('is let in where the check is left out, and this test sees where', async () => {
    const violations = await withDefect('catalog-2', 'service.ignore-revocations');
    assert.deepEqual([...new Set(violations.map((violation) => violation.split(' ')[0]))], ['catalog-2']);
  });

  it('might write where an old view is trusted, and this test sees where', async () => {
    const violations = await withDefect('claims', 'service.trust-stale-view');
    assert.deepEqual([...new Set(violations.map((violation) => violation.split(' ')[0]))], ['claims']);
  });
});
