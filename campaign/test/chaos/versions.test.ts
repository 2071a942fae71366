/** The judge of what clients were shown of products. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Sighting } from '../../src/chaos/traffic/browsing.ts';
import { judgeVersions } from '../../src/chaos/versions.ts';

const productId = 'p';
// xmin says nothing of order: the versions came as 30, 10, 20, 40.
const rows = [
  { productId, version: '10', revision: 2 },
  { productId, version: '20', revision: 3 },
  { productId, version: '30', revision: 1 },
  { productId, version: '40', revision: 4 },
];
const seen = (version: string, askedAt: number, more: Partial<Sighting> = {}): Sighting => ({
  reader: 'reader 1',
  productId,
  replica: 'catalog-1',
  version,
  askedAt,
  answeredAt: askedAt + 5,
  ...more,
});
const judged = (sightings: Sighting[], more: Partial<Parameters<typeof judgeVersions>[0]> = {}): string[] =>
  judgeVersions({ rows, sightings, edits: [], exits: [], ...more }).map((sentence) => sentence.split(': ')[0]!);

describe('the judge of versions', () => {
  it('is content with versions in their order', () => {
    assert.deepEqual(judged([seen('30', 0), seen('10', 10), seen('10', 20), seen('40', 30)]), []);
  });

  it('finds one replica that goes back', () => {
    assert.deepEqual(judged([seen('20', 0), seen('10', 10)]), ['versions never fall']);
  });

  it('lets another replica be behind for a copy’s life, and a replica that was started anew', () => {
    assert.deepEqual(judged([seen('20', 0), seen('10', 10, { replica: 'catalog-2' })]), []);
    assert.deepEqual(judged([seen('20', 0), seen('10', 100)], { exits: [{ instance: 'catalog-1', at: 50 }] }), []);
    assert.deepEqual(judged([seen('20', 0), seen('10', 100)], { exits: [{ instance: 'catalog-2', at: 50 }] }), [
      'versions never fall',
    ]);
  });

  it('finds what is shown for too long after a newer version was known to anybody', () => {
    const late = seen('10', 7_000, { reader: 'reader 2', replica: 'catalog-2' });
    assert.deepEqual(judged([seen('20', 0), late]), ['nothing old is shown for long']);
    const edits = [{ productId, base: '30', version: '10', answeredAt: 0 }];
    assert.deepEqual(judged([seen('30', 7_000)], { edits }), ['nothing old is shown for long']);
    assert.deepEqual(judged([seen('30', 4_000)], { edits }), []);
  });

  it('finds two winners of one version, and a winner that does not follow what it changed', () => {
    const edit = (base: string, version: string) => ({ productId, base, version, answeredAt: 0 });
    assert.deepEqual(judged([], { edits: [edit('30', '10'), edit('10', '20')] }), []);
    assert.deepEqual(judged([], { edits: [edit('30', '10'), edit('30', '20')] }), [
      'one winner per version',
      'an unforked chain',
    ]);
    assert.deepEqual(judged([], { edits: [edit('10', '40')] }), ['an unforked chain']);
  });

  it('finds a version that never was committed', () => {
    assert.deepEqual(judged([seen('99', 0)]), ['what is shown was committed']);
  });
});
