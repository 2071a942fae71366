import assert from 'node:assert/strict';
import { it } from 'node:test';
import { asStored, RecentInstances } from '../src/recent.ts';

const known = (id: string, version = 1) => ({
  instance: { id, state: 'Asked', version, context: {}, owed: [], early: [] },
  messages: new Set<string>(),
});

it('keeps a bounded number of instances, those used last', () => {
  const recent = new RecentInstances();
  for (let index = 0; index < 2_000; index += 1) recent.keep(known(`saga ${index}`));
  recent.keep(known('saga 0', 2));
  recent.keep(known('one more'));
  assert.equal(recent.get('saga 0')?.instance.version, 2);
  assert.equal(recent.get('saga 1'), undefined);
  recent.drop('saga 0');
  assert.equal(recent.get('saga 0'), undefined);
});

it('makes no guesses where others move the same instances, until guesses would be right again', () => {
  const recent = new RecentInstances();
  recent.keep(known('saga'));
  for (let index = 0; index < 20; index += 1) recent.learn(index % 2 === 0);
  assert.equal(recent.get('saga')?.instance.version, 1, 'a few wrong ones say nothing yet');
  for (let index = 0; index < 200; index += 1) recent.learn(index % 2 === 0);
  assert.equal(recent.get('saga'), undefined);
  for (let index = 0; index < 200; index += 1) recent.check('saga', 1);
  assert.equal(recent.get('saga')?.instance.version, 1);
  for (let index = 0; index < 200; index += 1) recent.check('saga', 2);
  assert.equal(recent.get('saga'), undefined);
});

it('remembers a context as the database gives it back, whatever its owner does to it', () => {
  const context = { lines: [1], reason: undefined, at: new Date(0) };
  const stored = asStored(context);
  context.lines.push(2);
  assert.deepEqual(stored, { lines: [1], at: '1970-01-01T00:00:00.000Z' });
});
