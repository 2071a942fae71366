import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkVersions } from '../src/guarantees/versions.ts';
import { assertFound } from './found.ts';

it('has one winner per version and one chain of versions, with many writers at two replicas', async () => {
  const { figures, violations } = await checkVersions({ rounds: 20, writers: 50 });
  assert.deepEqual(violations, []);
  assert.deepEqual([figures['accepted'], figures['refused'], figures['chain']], [20, 980, 20]);
});

it('catalog.no-version-check is found', async () => {
  const size = { rounds: 2, writers: 20, defects: 'catalog.no-version-check' };
  await assertFound(() => checkVersions(size), 'one winner per version: ');
});
