import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createHttpClient } from '../../src/clients/http.ts';
import { createProviderLedger } from '../../src/clients/ledger.ts';
import { openOutside, paid, patient, type Outside } from '../support.ts';

describe('the provider’s ledger', () => {
  let outside: Outside;
  const http = createHttpClient();
  const get = patient(http.get);
  before(async () => {
    outside = await openOutside();
  });
  after(async () => {
    await http.close();
    await outside.close();
  });

  it('is read as a whole once, and then what has changed', async () => {
    outside.enter(paid('a', 100));
    outside.enter(paid('b', 200));
    const ledger = createProviderLedger(outside.url, get);
    assert.deepEqual([...(await ledger.refresh())], []);
    assert.equal(ledger.size, 2);
    outside.enter(paid('b', 200, 200));
    assert.deepEqual([...(await ledger.refresh())], ['b']);
    assert.match(outside.asked.at(-1)!, /after=2\./);
    assert.deepEqual(ledger.moneyOf('b'), {
      authorized: 200,
      captured: 200,
      refunded: 200,
      voided: 0,
      currencies: ['EUR'],
    });
    assert.equal(ledger.moneyOf('nobody'), null);
  });

  it('adds up what two providers have of one order', async () => {
    const ledger = createProviderLedger(`${outside.url}/ledger`, get);
    outside.ledger.set('c at paypal', { ...paid('c', 50), provider: 'paypal' });
    outside.enter(paid('c', 100));
    await ledger.refresh();
    assert.equal(ledger.moneyOf('c')!.captured, 150);
  });

  it('is not believed to be what it was when it cannot be had', async () => {
    const ledger = createProviderLedger(outside.url, get);
    await ledger.refresh();
    outside.silent = true;
    await assert.rejects(ledger.refresh(), /503/);
    outside.silent = false;
    await ledger.refresh();
  });

  it('is walked through again and again', async () => {
    const ledger = createProviderLedger(outside.url, get);
    await ledger.refresh();
    const size = ledger.size;
    const walked = [...ledger.walk(2), ...ledger.walk(size)];
    assert.equal(new Set(walked).size, size);
    assert.equal(ledger.walk(1).length, 1);
  });
});
