/** Journeys about who somebody is, and about the cart that stays theirs. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import type { Shop } from './shop.ts';
import * as does from './steps.ts';

/** @param theShop the shop once it is open */
export function accountJourneys(theShop: () => Shop): void {
  it('a new account is made, left and entered again; a wrong password and a taken address are told', async () => {
    const refusedByPurpose = /status of (401|409|422)/;
    await theShop().visit({ width: 360, expected: refusedByPurpose }, async ({ page }) => {
      const email = `${randomUUID()}@example.test`;
      const signOut = async (): Promise<void> => {
        await page.getByTestId('account-menu').click();
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByTestId('sign-in-link').waitFor();
      };
      const fill = async (address: string, password: string, button: string): Promise<void> => {
        await page.getByLabel('Email address').fill(address);
        await page.getByLabel('Password').fill(password);
        await page.getByRole('button', { name: button, exact: true }).click();
      };

      await page.goto('/orders');
      await page.getByRole('link', { name: 'I am new here' }).click();
      await page.getByRole('heading', { name: 'Create an account' }).waitFor();
      await fill(email, 'short', 'Create account');
      await page
        .getByText(/at least 10 characters/i)
        .last()
        .waitFor();
      await fill(email, 'a long enough sentence', 'Create account');
      await page.getByText('You have not ordered anything yet.').waitFor();
      await signOut();

      await page.goto('/sign-in');
      await fill(email, 'not my password', 'Sign in');
      await page
        .getByRole('alert')
        .filter({ hasText: /password is wrong/i })
        .waitFor();
      assert.equal(await page.getByLabel('Email address').inputValue(), email, 'what was typed is still there');
      await fill(email, 'a long enough sentence', 'Sign in');
      await page.getByTestId('account-menu').waitFor();
      await signOut();

      await page.goto('/sign-in');
      await page.getByRole('link', { name: 'I am new here' }).click();
      await page.getByRole('heading', { name: 'Create an account' }).waitFor();
      await fill(email, 'another long sentence', 'Create account');
      await page
        .getByText(/there is an account with this e-?mail address already/i)
        .first()
        .waitFor();
    });
  });

  it('a cart survives a reload, signing in, signing out, and is the same in a second tab', async () => {
    const shop = theShop();
    const [first, second] = (await shop.test.shopper.products()).filter(({ onHand }) => onHand > 20);
    assert.ok(first && second);
    await shop.visit({}, async ({ page, secondTab }) => {
      const count = page.getByTestId('cart-count');
      await does.putIntoCart(page, first.productId, 3);
      await page.reload();
      await does.textIs(count, '3');
      await page.goto('/sign-in');
      await page.getByTestId('fill-demo-account').click();
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByTestId('account-menu').waitFor();
      await does.textIs(count, '3');

      const other = await secondTab();
      await other.goto('/cart');
      await does.textIs(other.getByTestId('cart-count'), '3');
      await other.getByTestId('account-menu').waitFor();
      await does.putIntoCart(other, second.productId, 2);
      await does.textIs(count, '5');

      await page.getByTestId('account-menu').click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByTestId('sign-in-link').waitFor();
      await does.textIs(count, '5');
      await other.getByTestId('sign-in-link').waitFor();
      await does.textIs(other.getByTestId('cart-count'), '5');
    });
  });

  it('of another customer’s order nothing is seen', async () => {
    const shop = theShop();
    const [product] = (await shop.test.shopper.products()).filter(({ onHand }) => onHand > 20);
    const { orderId } = await shop.test.shopper.order([{ productId: product!.productId, quantity: 1 }], {
      provider: 'stripe',
      method: 'pm_card_visa',
    });
    await shop.visit({ expected: /status of 404/ }, async ({ page }) => {
      await page.goto('/register');
      await page.getByLabel('Email address').fill(`${randomUUID()}@example.test`);
      await page.getByLabel('Password').fill('a long enough sentence');
      await page.getByRole('button', { name: 'Create account' }).click();
      await page.getByTestId('account-menu').waitFor();
      await page.goto(`/orders/${orderId}`);
      await page.getByRole('heading', { name: 'This order does not exist' }).waitFor();
    });
  });
}
