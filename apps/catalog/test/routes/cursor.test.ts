import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readCursor, writeCursor } from '../../src/routes/cursor.ts';

const id = '019b0000-0000-7000-8000-000000000001';
const encode = (text: string): string => Buffer.from(text).toString('base64url');

describe('the cursor of a page', () => {
  it('comes back as it was written', () => {
    assert.deepEqual(readCursor(writeCursor([17, id])), [17, id]);
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      'x',
      'null',
      '%%%',
      `${writeCursor([17, id])}=`,
      ` ${writeCursor([17, id])}`,
      encode('{}'),
      encode('[17]'),
      encode(`[17,"${id}",1]`),
      encode(`[1.5,"${id}"]`),
      encode(`[9999999999,"${id}"]`),
      encode(`["17","${id}"]`),
      encode('[17,"\' OR true --"]'),
      encode('[17,'),
      Buffer.from([0xff, 0xfe]).toString('base64url'),
    ]) {
      assert.equal(readCursor(text), null, text);
    }
  });
});
