/** Journeys that order something: paid, declined, out of stock, by keyboard, on a phone. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '@ballast/testing';
import type { Page } from 'playwright-core';
import { looksRight, seriousFindings } from './looks.ts';
import type { Shop } from './shop.ts';
import * as does from './steps.ts';

const whole = ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured', 'Completed'];

/** @param theShop the shop once it is open */
export function orderJourneys(theShop: () => Shop): void {
  const product = async (which: (onHand: number) => boolean) => {
    const found = (await theShop().test.shopper.products()).find(({ onHand }) => which(onHand));
    assert.ok(found, 'the seed has such a product');
    return found;
  };

  it('a stranger searches, fills a cart, signs in, pays by Stripe and watches the order until it is complete', async () => {
    const shop = theShop();
    await shop.visit({}, async ({ page }) => {
      await page.goto('/');
      await page.getByTestId('product-card').nth(11).waitFor();
      await looksRight(page, 'the list');
      await page.getByLabel('Search products').fill('compass');
      await page.waitForURL(/compass/);
      await page.getByTestId('product-card').filter({ hasText: 'Bracket steering compass' }).getByRole('link').click();
      await page.getByTestId('add-to-cart').click();
      assert.equal(await page.getByTestId('product-price').innerText(), '€249.00');
      await does.textIs(page.getByTestId('cart-count'), '1');
      await looksRight(page, 'a product');
      await page.getByTestId('cart-link').click();
      await page.getByRole('button', { name: /^One more of/ }).click();
      await does.textIs(page.getByTestId('cart-total'), '€498.00');
      await looksRight(page, 'the cart');
      await page.getByTestId('go-to-checkout').click();
      await page.getByTestId('fill-demo-account').waitFor();
      await looksRight(page, 'signing in');
      await page.getByTestId('fill-demo-account').click();
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await does.payBy(page, 'Stripe', 'pm_card_visa');
      await looksRight(page, 'the checkout');

      // Its payment is awaited for as long as there is something to be looked at.
      await shop.test.mesh.pause('payments');
      let orderId: string;
      try {
        orderId = await does.placeOrder(page);
        await does.orderIs(page, 'StockReserved');
        await does.connectionIs(page, 'live');
        await looksRight(page, 'a running order');
        assert.equal(await nodeState(page, 'StockReserved'), 'current');
      } finally {
        await shop.test.mesh.resume('payments');
      }
      await does.orderIs(page, 'Completed');
      await does.agreesWithRows(page, shop.test, orderId);
      assert.deepEqual(await does.writtenSteps(shop.test, orderId), whole);
      await looksRight(page, 'a completed order');
      for (const state of whole.slice(0, -1)) assert.equal(await nodeState(page, state), 'visited', state);
      assert.equal(await nodeState(page, 'Compensating'), 'ahead');
      const edges = await page
        .locator('path[data-visited]')
        .evaluateAll((all) => all.map((edge) => edge.getAttribute('data-edge')));
      assert.deepEqual(new Set(edges), new Set(whole.slice(1).map((to, index) => `${whole[index]}>${to}`)));
      const spoken = await page.getByTestId('spoken-steps').innerText();
      assert.match(spoken, /Completed\. It is paid/);
      assert.equal(await page.getByTestId('cart-count').innerText(), '0', 'what was ordered has left the cart');

      await page.getByTestId('account-menu').click();
      await page.getByRole('link', { name: 'Your orders' }).last().click();
      await page.getByTestId('order-list').getByRole('link', { name: 'Bracket steering compass' }).first().waitFor();
      await looksRight(page, 'the history');
      await page.goto('/nowhere');
      await page.getByRole('heading', { name: 'This page does not exist' }).waitFor();
      await looksRight(page, 'a page that does not exist');
    });
  });

  it('on a phone, in the dark, the whole way with PayPal fits the screen', async () => {
    const shop = theShop();
    await shop.visit({ width: 360, scheme: 'dark' }, async ({ page }) => {
      await page.goto('/');
      await page
        .getByRole('button', { name: /^Add .* to cart/ })
        .nth(1)
        .click();
      await page.getByTestId('note').getByRole('link', { name: 'View cart' }).waitFor();
      await looksRight(page, 'the list');
      await page.getByTestId('product-card').nth(2).getByRole('link').click();
      await page.getByTestId('add-to-cart').click();
      await looksRight(page, 'a product');
      await page.getByTestId('cart-link').click();
      await page.getByTestId('cart-line').nth(1).waitFor();
      await looksRight(page, 'the cart');
      await page.getByTestId('go-to-checkout').click();
      await page.getByRole('link', { name: 'I am new here' }).click();
      await page.getByRole('button', { name: 'Create account' }).waitFor();
      await looksRight(page, 'making an account');
      await page.getByRole('link', { name: 'I have an account' }).click();
      await page.getByTestId('fill-demo-account').click();
      await looksRight(page, 'signing in');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await does.payBy(page, 'PayPal', 'paypal_approve');
      await looksRight(page, 'the checkout');
      const orderId = await does.placeOrder(page);
      await does.orderIs(page, 'Completed');
      await does.agreesWithRows(page, shop.test, orderId);
      await looksRight(page, 'a completed order');
      await page.goto('/orders');
      await page.getByTestId('order-list').waitFor();
      await looksRight(page, 'the history');
      await page.goto('/nowhere');
      await page.getByRole('heading', { name: 'This page does not exist' }).waitFor();
      await looksRight(page, 'a page that does not exist');
      const { payment } = await shop.test.shopper.find(orderId);
      assert.deepEqual(payment, { provider: 'paypal', method: 'paypal_approve' });
    });
  });

  it('a declined card ends the order with its reason, the stock back, nothing paid, and the cart can be filled again', async () => {
    const shop = theShop();
    const { productId } = await product((onHand) => onHand > 20);
    const before = await does.pieces(shop.test, productId);
    await shop.visit({ width: 360, signedIn: true }, async ({ page }) => {
      await does.putIntoCart(page, productId, 2);
      await page.goto('/checkout');
      await does.payBy(page, 'Stripe', 'pm_card_chargeDeclined');
      const orderId = await does.placeOrder(page);
      await does.orderIs(page, 'Compensated');
      await does.agreesWithRows(page, shop.test, orderId);
      await does.textIs(page.getByTestId('order-sentence'), /Your card was declined\..*You have paid nothing\./);
      await looksRight(page, 'a compensated order');
      assert.equal(await nodeState(page, 'Completed'), 'ahead');
      assert.deepEqual(await does.pieces(shop.test, productId), before);
      const ledger = await shop.test.rows('SELECT kind FROM payments.ledger WHERE order_id = $1', [orderId]);
      assert.deepEqual(ledger, []);
      await page.getByTestId('order-again').click();
      await does.textIs(page.getByTestId('cart-count'), '2');
    });
  });

  it('what is sold out cannot be put into a cart', async () => {
    const { name, productId } = await product((onHand) => onHand === 0);
    await theShop().visit({}, async ({ page }) => {
      await page.goto('/');
      await page.getByLabel('Search products').fill(name);
      const card = page.getByTestId('product-card').filter({ hasText: name });
      await card.getByText('Sold out').waitFor();
      assert.equal(await card.getByRole('button').count(), 0);
      await page.goto(`/products/${productId}`);
      await does.textIs(page.getByTestId('product-stock'), 'Sold out');
      assert.equal(await page.getByTestId('add-to-cart').count(), 0);
    });
  });

  it('of two who want the last pieces the second is told so, and pays nothing', async () => {
    const shop = theShop();
    const { productId, onHand } = await product((count) => count > 0 && count < 5);
    await shop.visit({ signedIn: true }, async ({ page }) => {
      await does.putIntoCart(page, productId, onHand);
      await page.goto('/checkout');
      await does.payBy(page, 'Stripe', 'pm_card_visa');
      // The checkout is open and says there is stock; meanwhile somebody else takes it.
      const other = await shop.test.shopper.order([{ productId, quantity: onHand }], {
        provider: 'stripe',
        method: 'pm_card_visa',
      });
      assert.equal(await shop.test.shopper.end(other.orderId, 30_000), 'Completed');
      const orderId = await does.placeOrder(page);
      await does.orderIs(page, 'Compensated');
      await does.agreesWithRows(page, shop.test, orderId);
      const { reason } = await shop.test.shopper.find(orderId);
      assert.ok(reason, 'there is a reason');
      await does.textIs(page.getByTestId('order-sentence'), new RegExp(`${escaped(reason)}.*You have paid nothing`));
      assert.equal((await does.pieces(shop.test, productId)).onHand, 0);
      // Whoever looks at the product now reads it there.
      await page.goto(`/products/${productId}`);
      await does.textIs(page.getByTestId('product-stock'), 'Sold out');
    });
  });

  it('everything can be done with Tab, Enter and Space alone', async () => {
    const shop = theShop();
    await shop.visit({}, async ({ page }) => {
      await page.goto('/');
      await page.getByTestId('product-card').nth(5).waitFor();
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByTestId('product-card').nth(4).getByRole('link'));
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByTestId('add-to-cart'));
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByRole('link', { name: 'View cart' }));
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByTestId('go-to-checkout'));
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByTestId('fill-demo-account'));
      await page.keyboard.press('Space');
      await until('the button to have the focus', async () => {
        return (await page.evaluate(() => document.activeElement?.textContent)) === 'Sign in';
      });
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByRole('radio', { name: /Stripe/ }));
      await page.keyboard.press('Space');
      await does.tabTo(page, page.getByTestId('place-order'));
      await page.keyboard.press('Enter');
      const orderId = await does.orderOnPage(page);
      await does.orderIs(page, 'Completed');
      await does.agreesWithRows(page, shop.test, orderId);
      await does.tabTo(page, page.getByTestId('account-menu'));
      await page.keyboard.press('Enter');
      await does.tabTo(page, page.getByRole('button', { name: 'Sign out' }));
      await page.keyboard.press('Enter');
      await page.getByTestId('sign-in-link').waitFor();
    });
  });

  it('two clicks on the button place one order', async () => {
    const shop = theShop();
    const { productId } = await product((onHand) => onHand > 20);
    const before = await does.countOrders(shop.test);
    await shop.visit({ signedIn: true }, async ({ page }) => {
      await does.putIntoCart(page, productId);
      await page.goto('/checkout');
      await does.payBy(page, 'Stripe', 'pm_card_visa');
      await page.getByTestId('place-order').dblclick();
      await does.orderOnPage(page);
      await does.orderIs(page, 'Completed');
      assert.equal(await does.countOrders(shop.test), before + 1);
    });
  });

  it('the eye that looks for faults sees one', async () => {
    await theShop().visit({}, async ({ page }) => {
      await page.goto('/');
      await page.getByTestId('product-card').first().waitFor();
      await page.evaluate(() => {
        const wide = document.createElement('input');
        wide.style.width = '3000px';
        document.querySelector('main')?.append(wide);
      });
      await until('axe to see a field without a label', async () =>
        (await seriousFindings(page)).some((line) => line.startsWith('label')),
      );
      await assert.rejects(looksRight(page, 'a broken page'));
    });
    const loadsFromElsewhere = theShop().visit({}, async ({ page }) => {
      await page.goto('/');
      await page.evaluate(
        () =>
          new Promise((resolve) => {
            document.addEventListener('securitypolicyviolation', resolve, { once: true });
            document.body.append(Object.assign(new Image(), { src: 'https://elsewhere.invalid/picture.png' }));
          }),
      );
    });
    await assert.rejects(loadsFromElsewhere, /elsewhere\.invalid/);
  });
}

function nodeState(page: Page, state: string): Promise<string | null> {
  return page.locator(`[data-testid=saga] [data-node=${state}]`).getAttribute('data-node-state');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
