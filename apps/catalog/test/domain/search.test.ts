import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { searchPatterns, searchText } from '../../src/domain/search.ts';

describe('searching products', () => {
  it('turns each word into a pattern that must match', () => {
    assert.deepEqual(searchPatterns('  brass   Lamp '), ['%brass%', '%lamp%']);
    assert.deepEqual(searchPatterns(' \t '), []);
  });

  it('takes the wildcards of LIKE for what they are in a text', () => {
    assert.deepEqual(searchPatterns(String.raw`100% a_b c\d`), ['%100\\%%', '%a\\_b%', '%c\\\\d%']);
  });

  it('looks past case, accents and ligatures, in queries and in products alike', () => {
    assert.deepEqual(searchPatterns('CAFÉ'), ['%cafe%']);
    assert.equal(searchText({ name: 'Café au lait', category: 'ﬁne', description: 'ÜBER' }), 'cafe au lait fine uber');
  });
});
