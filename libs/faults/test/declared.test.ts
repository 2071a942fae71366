/** Every fail point in the sources is declared, so that a service lists it before it was passed, and no other is. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const sources = globSync(['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'], { cwd: root })
  .filter((path) => !path.startsWith('libs/faults/'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Names of the points a text passes, and of those it declares. */
const passedIn = (text: string): string[] => [...text.matchAll(/failPoint\('([^']+)'/g)].map(([, name]) => name!);
const declaredIn = (text: string): string[] =>
  [...text.matchAll(/declareFailPoints\(\{(.*?)\}\);/gs)].flatMap(([, body]) =>
    [...body!.matchAll(/^\s*'?([a-z][a-z0-9.-]*)'?: /gm)].map(([, name]) => name!),
  );

describe('fail points', () => {
  const passed = sources.flatMap(({ path, text }) => passedIn(text).map((name) => ({ path, name })));
  const declared = new Set(sources.flatMap(({ text }) => declaredIn(text)));

  it('are declared wherever they are passed', () => {
    assert.ok(passed.length >= 25, `${passed.length} were found`);
    assert.deepEqual(
      passed.filter(({ name }) => !declared.has(name)),
      [],
    );
  });

  it('are passed wherever they are declared', () => {
    const names = new Set(passed.map(({ name }) => name));
    assert.deepEqual(
      [...declared].filter((name) => !names.has(name)),
      [],
    );
  });

  it('would be missed by this test if they were not', () => {
    assert.deepEqual(passedIn("await failPoint('before-x', 'y'); failPoint('a.b');"), ['before-x', 'a.b']);
    assert.deepEqual(declaredIn("declareFailPoints({ 'a.b': 'there' });\ndeclareFailPoints({\n  c: 'here',\n});"), [
      'a.b',
      'c',
    ]);
  });
});
