import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hashPassword, verifyPassword } from '../../src/domain/password.ts';

describe('a password hash', () => {
  it('is an argon2id PHC string with the recommended cost and a salt of its own', async () => {
    const [first, second] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(first, second);
  });

  it('fits the password it was made from and no other', async () => {
    const stored = await hashPassword('correct horse');
    assert.equal(await verifyPassword(stored, 'correct horse'), true);
    assert.equal(await verifyPassword(stored, 'correct horsE'), false);
    assert.equal(await verifyPassword(stored, ''), false);
  });

  it('agrees with another implementation, whose cost it reads from the string', async () => {
    // From the test suite of the reference implementation (phc-winner-argon2, test.c): version 19, m=2^8, t=2, p=1.
    const stored = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
    assert.equal(await verifyPassword(stored, 'password'), true);
    assert.equal(await verifyPassword(stored, 'Password'), false);
  });

  it('does not depend on how a keyboard composes a letter', async () => {
    assert.equal(await verifyPassword(await hashPassword('caf\u00e9 au lait'), 'cafe\u0301 au lait'), true);
  });

  it('that is not one is an error, never a match', async () => {
    for (const stored of [
      '',
      'plain text',
      '$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY',
    ]) {
      await assert.rejects(verifyPassword(stored, stored), /not an argon2id PHC string/);
    }
  });
});
