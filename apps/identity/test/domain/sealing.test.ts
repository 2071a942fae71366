import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CannotUnseal, seal, unseal } from '../../src/domain/sealing.ts';

describe('a sealed value', () => {
  it('opens with its secret and label', async () => {
    const sealed = await seal('{"d":"private"}', 'key-1', 'the secret');
    assert.ok(!sealed.includes('private'));
    assert.equal(await unseal(sealed, 'key-1', 'the secret'), '{"d":"private"}');
  });

  it('stays shut for another secret, another label, changed or missing bytes', async () => {
    const sealed = await seal('{"d":"private"}', 'key-1', 'the secret');
    await assert.rejects(unseal(sealed, 'key-1', 'the secret '), CannotUnseal);
    await assert.rejects(unseal(sealed, 'key-2', 'the secret'), CannotUnseal);
    for (const position of [0, 20, 30, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[position] = changed[position]! ^ 1;
      await assert.rejects(unseal(changed, 'key-1', 'the secret'), CannotUnseal);
    }
    for (const length of [0, 10, 30, sealed.length - 1]) {
      await assert.rejects(unseal(sealed.subarray(0, length), 'key-1', 'the secret'), CannotUnseal);
    }
  });

  it('is different every time', async () => {
    const [first, second] = await Promise.all([seal('same', 'label', 'secret'), seal('same', 'label', 'secret')]);
    assert.notDeepEqual(first, second);
  });
});
