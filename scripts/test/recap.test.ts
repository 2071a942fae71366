/** What the end of `npm test` says of failures must be short, whatever they printed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recap } from '../runner/recap.ts';

it('says nothing where nothing failed', () => {
  assert.deepEqual(recap([]), []);
});

it('names each failure by its file and shows how its error begins', () => {
  const lines = recap([
    { name: 'a.test.ts', failures: ['one\nError: why', 'two\nError: because'], output: 'much more' },
    { name: 'b.test.ts', failures: [`three\n${'x'.repeat(100_000)}`], output: '' },
  ]);
  assert.deepEqual(lines.slice(0, 6), [
    'failed   a.test.ts',
    '    one',
    '    Error: why',
    'failed   a.test.ts',
    '    two',
    '    Error: because',
  ]);
  assert.equal(lines[6], 'failed   b.test.ts');
  assert.match(lines.slice(7).join('\n'), /^ {4}three\n {4}x{700,800}…$/);
});

it('shows how the output of a tool ends', () => {
  const lines = recap([{ name: 'lint', failures: [''], output: `${'x'.repeat(100_000)}\n3 errors\n` }]);
  assert.equal(lines[0], 'failed   lint');
  assert.match(lines[1] ?? '', /^ {4}…x{700,800}$/);
  assert.equal(lines[2], '    3 errors');
});

it('counts those that it does not show', () => {
  const failures = Array.from({ length: 2000 }, (_, index) => `test ${index}\nError: why`);
  const lines = recap([{ name: 'a.test.ts', failures, output: '' }]);
  assert.equal(lines.length, 31);
  assert.equal(lines.at(-1), 'and 1990 more');
});
