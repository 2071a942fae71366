/** Journeys while something goes wrong: a reload in the middle, services that go and come back. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { looksRight } from './looks.ts';
import type { Shop } from './shop.ts';
import * as does from './steps.ts';

/** @param theShop the shop once it is open */
export function troubleJourneys(theShop: () => Shop): void {
  const plenty = async (): Promise<string> => {
    const [product] = (await theShop().test.shopper.products()).filter(({ onHand }) => onHand > 20);
    assert.ok(product, 'the seed has plenty of something');
    return product.productId;
  };

  it('an order that loses its page and its stream in the middle is shown live again and ends right', async () => {
    const shop = theShop();
    const { mesh } = shop.test;
    const productId = await plenty();
    // A stream cut off, and answers that say so, are what this is about.
    await shop.visit({ signedIn: true, expected: /ERR_|status of 50[234]/ }, async ({ page }) => {
      await does.putIntoCart(page, productId);
      await page.goto('/checkout');
      await does.payBy(page, 'Stripe', 'pm_card_mastercard');
      // Without payments the order waits where it is, for as long as this needs.
      await mesh.stopService('payments', 'SIGKILL');
      const orderId = await does.placeOrder(page);
      await does.orderIs(page, 'StockReserved');
      await does.connectionIs(page, 'live');
      await page.reload();
      await does.orderIs(page, 'StockReserved');
      await does.connectionIs(page, 'live');

      await Promise.all(['checkout-1', 'checkout-2'].map((name) => mesh.stopService(name, 'SIGKILL')));
      await does.connectionIs(page, 'reconnecting');
      await does.orderIs(page, 'StockReserved');
      await looksRight(page, 'an order while reconnecting');
      await Promise.all(['checkout-1', 'checkout-2', 'payments'].map((name) => mesh.startService(name)));
      await does.orderIs(page, 'Completed');
      await does.agreesWithRows(page, shop.test, orderId);
    });
  });

  it('without the catalog the list says so, and comes back by itself', async () => {
    const { mesh } = theShop().test;
    const catalogs = ['catalog-1', 'catalog-2'];
    await theShop().visit({ expected: /status of 50[234]/ }, async ({ page }) => {
      await page.goto('/');
      await page.getByTestId('product-card').first().waitFor();
      await Promise.all(catalogs.map((name) => mesh.stopService(name, 'SIGKILL')));
      await page.getByLabel('Search products').fill('lantern');
      await page.getByRole('alert').filter({ hasText: 'A part of the shop is not answering right now.' }).waitFor();
      await looksRight(page, 'a list that could not be loaded');
      await Promise.all(catalogs.map((name) => mesh.startService(name)));
      await page.getByTestId('product-card').filter({ hasText: 'Paraffin storm lantern' }).waitFor();
      await page.getByRole('alert').waitFor({ state: 'detached' });
    });
  });

  it('without the bff the pages say so, an order sent meanwhile is placed once, and all comes back by itself', async () => {
    const shop = theShop();
    const { mesh } = shop.test;
    const productId = await plenty();
    const before = await does.countOrders(shop.test);
    await shop.visit(
      { width: 360, signedIn: true, expected: /ERR_|status of 50[234]/ },
      async ({ page, secondTab }) => {
        const browsing = await secondTab();
        await browsing.goto('/');
        await browsing.getByTestId('product-card').first().waitFor();
        await does.putIntoCart(page, productId);
        await page.goto('/checkout');
        await does.payBy(page, 'Stripe', 'pm_card_visa');

        await mesh.stopService('bff', 'SIGKILL');
        await browsing.getByLabel('Search products').fill('lantern');
        await browsing.getByTestId('network-status').getByText('The shop cannot be reached right now.').waitFor();
        await page.getByTestId('place-order').click();
        await page.getByTestId('retry-order').waitFor();
        await looksRight(page, 'an order without an answer');

        await mesh.startService('bff');
        await browsing.getByTestId('product-card').filter({ hasText: 'Paraffin storm lantern' }).waitFor();
        await browsing.getByText('The shop cannot be reached right now.').waitFor({ state: 'detached' });
        await page.getByTestId('retry-order').click();
        const orderId = await does.orderOnPage(page);
        await does.orderIs(page, 'Completed');
        await does.agreesWithRows(page, shop.test, orderId);
        assert.equal(await does.countOrders(shop.test), before + 1);
      },
    );
  });

  it('after all this every order has ended, and stock and both ledgers agree', async () => {
    await theShop().test.settle([]);
  });
}
