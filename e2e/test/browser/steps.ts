/** What visitors do again and again, and what the rows say about it. */
import assert from 'node:assert/strict';
import { until } from '@ballast/testing';
import type { Locator, Page } from 'playwright-core';
import type { TestMesh } from '../support.ts';
import { patience } from './shop.ts';

/** Puts pieces of a product into the cart, from its own page. */
export async function putIntoCart(page: Page, productId: string, quantity = 1): Promise<void> {
  await page.goto(`/products/${productId}`);
  await page.getByLabel(/^Quantity of/).fill(String(quantity));
  await page.getByTestId('add-to-cart').click();
  await page
    .getByRole('status')
    .filter({ hasText: `Added ${quantity} to your cart` })
    .waitFor();
}

/** Chooses how to pay, on the checkout page. */
export async function payBy(page: Page, provider: 'Stripe' | 'PayPal', method: string): Promise<void> {
  await page
    .getByRole('radio', { name: new RegExp(provider) })
    .first()
    .check();
  await page.getByTestId(`method-${method}`).getByRole('radio').check();
}

/** Presses the button and answers with the order's id, once its page is there. */
export async function placeOrder(page: Page): Promise<string> {
  await page.getByTestId('place-order').click();
  return orderOnPage(page);
}

/** The id of the order the page has come to. */
export async function orderOnPage(page: Page): Promise<string> {
  await page.waitForURL(/\/orders\/[0-9a-f-]{36}$/, { timeout: patience });
  return new URL(page.url()).pathname.slice('/orders/'.length);
}

/** The mark that shows the order's state, once it is this one. */
export async function orderIs(page: Page, state: string): Promise<void> {
  await page.locator(`[data-testid=order-state][data-state=${state}]`).waitFor();
}

/** The mark that shows how live the page is, once it is this. */
export async function connectionIs(page: Page, connection: string): Promise<void> {
  await page.locator(`[data-testid=connection][data-connection=${connection}]`).waitFor();
}

/** The states of the steps listed on an order's page, oldest first. */
export function listedSteps(page: Page): Promise<(string | null)[]> {
  return page.getByTestId('history-step').evaluateAll((steps) => steps.map((step) => step.getAttribute('data-state')));
}

/** An order's steps as they are written down. */
export async function writtenSteps(test: TestMesh, orderId: string): Promise<string[]> {
  const { history } = await test.shopper.find(orderId);
  return history.map((step) => step.to);
}

/** Waits until the page lists exactly the steps that are written down. */
export async function agreesWithRows(page: Page, test: TestMesh, orderId: string): Promise<void> {
  await connectionIs(page, 'closed');
  assert.deepEqual(await listedSteps(page), await writtenSteps(test, orderId));
}

export interface Pieces {
  onHand: number;
  reserved: number;
  sold: number;
}

/** A product's pieces as they are written down. */
export async function pieces(test: TestMesh, productId: string): Promise<Pieces> {
  const rows = await test.rows<{ on_hand: number; reserved: number; sold: number }>(
    'SELECT on_hand, reserved, sold FROM catalog.products WHERE product_id = $1',
    [productId],
  );
  const [row] = rows;
  assert.ok(row, `product ${productId} is there`);
  return { onHand: row.on_hand, reserved: row.reserved, sold: row.sold };
}

/** How many orders there are. */
export async function countOrders(test: TestMesh): Promise<number> {
  const [row] = await test.rows<{ count: string }>('SELECT count(*) FROM checkout.orders');
  return Number(row?.count);
}

/** Presses Tab until the focus is on this, as somebody without a mouse would. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let presses = 0; presses < 80; presses += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`80 Tabs did not reach ${target.toString()}`);
}

/** Waits until a locator's text is this. */
export function textIs(locator: Locator, text: string | RegExp): Promise<unknown> {
  return until(
    `the text ${String(text)}`,
    async () => {
      const found = await locator.innerText();
      return typeof text === 'string' ? found.trim() === text : text.test(found);
    },
    patience,
  );
}
