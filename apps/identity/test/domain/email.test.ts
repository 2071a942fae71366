import assert from 'node:assert/strict';
import { it } from 'node:test';
import { normaliseEmail } from '../../src/domain/email.ts';

it('takes addresses for the same that people take for the same', () => {
  assert.equal(normaliseEmail('Ada@Example.COM'), 'ada@example.com');
  assert.equal(normaliseEmail('"Jose\u0301"@example.com'), normaliseEmail('"JOS\u00c9"@example.com'));
  assert.notEqual(normaliseEmail('ada@example.com'), normaliseEmail('ada@example.org'));
});
