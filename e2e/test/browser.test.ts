/** Journeys through the shop and `/lab` in a real browser, on a real mesh: what a customer sees, checked against the rows. */
import { after, before, describe } from 'node:test';
import { accountJourneys } from './browser/accounts.ts';
import { labDemonstrations } from './browser/lab-demonstrations.ts';
import { labPageJourneys } from './browser/lab-page.ts';
import { orderJourneys } from './browser/orders.ts';
import { openShop, type Shop } from './browser/shop.ts';
import { troubleJourneys } from './browser/trouble.ts';

describe('in a browser', () => {
  let shop: Shop | undefined;
  const theShop = (): Shop => {
    if (shop === undefined) throw new Error('the shop is not open');
    return shop;
  };
  before(async () => {
    shop = await openShop('light');
  });
  after(() => shop?.close());

  orderJourneys(theShop);
  accountJourneys(theShop);
  troubleJourneys(theShop);
  labDemonstrations(theShop);
  labPageJourneys(theShop);
});
