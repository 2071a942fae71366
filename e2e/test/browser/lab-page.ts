/** `/lab` as a page: who sees what, on which screen, and with which hands. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { until } from '@ballast/testing';
import { asOperator, clusterIs, drive, endOf, set, signInFromLab } from './lab-steps.ts';
import { looksRight } from './looks.ts';
import type { Shop } from './shop.ts';
import * as does from './steps.ts';

const services = ['bff', 'identity', 'catalog', 'claims', 'payments', 'checkout'];

/** @param theShop the shop once it is open */
export function labPageJourneys(theShop: () => Shop): void {
  it('a stranger finds the lab from the shop, reads all of it, and may drive nothing', async () => {
    await theShop().visit({}, async ({ page }) => {
      await page.goto('/');
      await page.getByTestId('lab-link').click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByTestId('lab-access').filter({ hasText: 'operator@ballast.test' }).waitFor();
      for (const service of [...services, 'tcp-gateway', 'analytics'])
        await page.getByRole('heading', { level: 3, name: service, exact: true }).waitFor();
      const recorded = await readdir(join(import.meta.dirname, '../../../docs/adr'));
      const decisions = page.getByTestId('decisions').getByRole('listitem');
      assert.equal(await decisions.count(), recorded.filter((name) => /^\d{4}-/.test(name)).length);
      const buttons = await page
        .locator('[data-testid^=run-]')
        .evaluateAll((all) => all.map((button) => (button as HTMLButtonElement).disabled));
      assert.deepEqual(new Set(buttons), new Set([true]));
      assert.ok(buttons.length >= 10, 'every demonstration is there');
      await looksRight(page, 'the lab for strangers');
    });
  });

  it('a customer is told that only an operator may drive it; on a phone all of it fits the screen', async () => {
    await theShop().visit({ width: 360, signedIn: true }, async ({ page }) => {
      await page.goto('/lab');
      await page.locator('[data-testid=lab-access][data-why=not-operator]').waitFor();
      assert.equal(await page.getByTestId('run-burst').isDisabled(), true);
      await looksRight(page, 'the lab for customers');
    });
  });

  it('a stranger signs in from the lab, comes back to it, and sees the cluster live', async () => {
    const shop = theShop();
    await shop.visit({ scheme: 'dark' }, async ({ page }) => {
      await signInFromLab(page);
      await clusterIs(page, 'live');
      const told = await page
        .locator('[data-instance]')
        .evaluateAll((all) => all.map((tile) => [tile.getAttribute('data-instance'), tile.getAttribute('data-state')]));
      assert.deepEqual(
        told.filter(([, state]) => state !== 'ready'),
        [],
      );
      for (const service of services)
        assert.ok(
          told.some(([name]) => name?.startsWith(service)),
          service,
        );
      await page.getByTestId('breakers').waitFor();
      await looksRight(page, 'the lab for operators');
    });
  });

  it('a service that dies is seen on the page, and seen to come back', async () => {
    const shop = theShop();
    const { mesh } = shop.test;
    await asOperator(shop, { expected: /ERR_|status of 50[0-4]/ }, async ({ page }) => {
      await mesh.stopService('catalog-2', 'SIGKILL');
      await page.locator('[data-instance=catalog-2][data-state=unreachable]').waitFor();
      await mesh.startService('catalog-2');
      await page.locator('[data-instance=catalog-2][data-state=ready]').waitFor();
      await mesh.stopService('bff', 'SIGKILL');
      await clusterIs(page, 'reconnecting');
      await mesh.startService('bff');
      await clusterIs(page, 'live');
    });
  });

  it('a demonstration is driven by keyboard alone, and the focus stays', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      const button = page.getByTestId('run-race-version');
      await page.locator('#race-version-writers').focus();
      await does.tabTo(page, button);
      await page.keyboard.press('Enter');
      assert.match(await endOf(page, 'race-version'), /1 won/);
      assert.equal(await button.evaluate((element) => element === document.activeElement), true);
      // The result is read aloud: it stands in a live region.
      assert.equal(await page.getByTestId('summary-race-version').getAttribute('role'), 'status');
    });
  });

  it('a call is copied as curl, with a placeholder for the token and none of the cookie', async () => {
    await asOperator(theShop(), {}, async ({ page, context }) => {
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const demonstration = page.getByTestId('demo-burst');
      await demonstration.getByText('Copy as curl').click();
      await demonstration.getByRole('button', { name: 'Copy: Spend a token' }).click();
      await demonstration.getByText('Copied.').waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.match(copied, /^curl -si -X POST/);
      assert.match(copied, /"Authorization: Bearer \$TOKEN"/);
      assert.ok(copied.includes(`${theShop().url}/api/lab/buckets/expensive/spend`), copied);
      assert.doesNotMatch(copied, /cookie|csrf/i);
    });
  });

  it('on a phone, in the dark, every demonstration works, and fits the screen with all its rows', async () => {
    await asOperator(theShop(), { width: 360, scheme: 'dark' }, async ({ page }) => {
      await set(page, 'relay-seconds', 3);
      await set(page, 'relay-orders', 1);
      await set(page, 'race-key-callers', 20);
      await set(page, 'rotation-seconds', 3);
      await set(page, 'circuit-seconds', 5);
      await set(page, 'burst-count', 40);
      const all = await page
        .locator('[data-testid^=run-]')
        .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('data-testid')!.slice('run-'.length)));
      assert.equal(all.length, 10, all.join(', '));
      for (const id of all) await drive(page, id);
      await looksRight(page, 'the lab with its results');
    });
  });

  it('the shop loads nothing of the lab', async () => {
    await theShop().visit({}, async ({ page }) => {
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.goto('/');
      await page.getByTestId('product-card').first().waitFor();
      assert.deepEqual(
        asked.filter((address) => /lab/.test(address)),
        [],
      );
      await page.goto('/lab');
      await until('the page of its own', async () => asked.some((address) => /\/assets\/lab-page/.test(address)));
    });
  });
}
