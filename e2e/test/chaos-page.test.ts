/** `/chaos` in a real browser, on a whole mesh that is really broken: what an operator sees, checked against the rows. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { Experiment } from '@ballast/contracts';
import { until } from '@ballast/testing';
import type { Page } from 'playwright-core';
import * as chaos from './browser/chaos-steps.ts';
import { looksRight } from './browser/looks.ts';
import { openShop, type Shop } from './browser/shop.ts';
import { tabTo } from './browser/steps.ts';

const ends = ['Completed', 'Compensated', 'RequiresReview'];

describe('the chaos page', () => {
  let shop: Shop;
  before(async () => {
    shop = await openShop('full');
  });
  after(() => shop?.close());

  const writtenTotals = async (): Promise<Record<string, number>> => {
    const rows = await shop.test.rows<{ state: string; count: string }>(
      'SELECT state, count(*) FROM checkout.sagas GROUP BY state',
    );
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  };

  it('tells strangers and customers what it is, and lets them break nothing', async () => {
    await shop.visit({}, async ({ page }) => {
      await page.goto('/');
      await page.getByTestId('chaos-link').click();
      await page.locator('[data-testid=chaos-access][data-why=signed-out]').waitFor();
      assert.equal(await page.getByTestId('chaos-status').count(), 0);
      await looksRight(page, 'the chaos page for strangers');
    });
    await shop.visit({ signedIn: true, width: 360 }, async ({ page }) => {
      await page.goto('/chaos');
      await page.locator('[data-testid=chaos-access][data-why=not-operator]').waitFor();
      assert.equal(await page.getByTestId('header-chaos-link').count(), 0);
      await looksRight(page, 'the chaos page for customers');
    });
  });

  it('is not loaded with the shop', async () => {
    await shop.visit({}, async ({ page }) => {
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.goto('/');
      await page.getByTestId('product-card').first().waitFor();
      assert.deepEqual(
        asked.filter((address) => /chaos|\/api\/live/.test(address)),
        [],
      );
    });
  });

  it('shows the mesh as it runs, live', async () => {
    await chaos.asOperator(shop, {}, async ({ page }) => {
      for (const name of [
        'bff',
        'identity',
        'catalog-1',
        'checkout-2',
        'claims',
        'payments',
        'postgres',
        'redis',
        'rabbitmq',
        'vault',
      ])
        await page.locator(`[data-mesh-node=${name}][data-state=ready]`).waitFor();
      for (const link of ['bff>catalog-1', 'payments>rabbitmq', 'checkout-1>postgres', 'identity>vault'])
        assert.equal(await page.locator(`[data-mesh-link="${link}"]`).count(), 1, link);
      await page.locator('[data-testid=phase][data-phase=STEADY]').waitFor();
      // The feed rests while nobody can see it.
      await page.getByTestId('wire').scrollIntoViewIfNeeded();
      await page.locator('[data-testid=wire] tbody tr').first().waitFor();
      await looksRight(page, 'the chaos page for operators');
    });
  });

  /** Whether the board says that this must hold at any time; the others may take some seconds, and a busy machine more. */
  const mustAlwaysHold = async (page: Page, invariant: string): Promise<boolean> => {
    const shown = page.getByTestId(`invariant-${invariant}`);
    await shown.locator('summary').click();
    await shown.locator('.invariant-details').waitFor();
    return (await shown.getByText('at any time', { exact: true }).count()) > 0;
  };

  it('stays green while a link is cut, a service killed, Vault sealed and Redis frozen; every order ends', async () => {
    await chaos.asOperator(shop, {}, async ({ page }) => {
      const violated = await chaos.watchBoard(page);
      await chaos.setLoad(page, { orders: 4, declined: 25 });
      await page.locator('[data-load=accepted]').waitFor();
      await chaos.breakIt(page, 'payments>rabbitmq', 'link.payments.rabbitmq.down', 120);
      await page.getByTestId('impact').filter({ hasText: 'payments cannot reach rabbitmq' }).waitFor();
      const faults = page.locator('[data-fault]');
      const cut = page.locator(`[data-fault="${await faults.getAttribute('data-fault')}"]`);
      await chaos.breakIt(page, 'checkout-1', 'checkout-1.crash');
      await chaos.breakIt(page, 'vault', 'vault.vault.seal', 20);
      await chaos.breakIt(page, 'redis', 'redis.redis.freeze', 15);
      // The others end by themselves: until they have, the link is cut as well.
      await faults.nth(1).waitFor({ state: 'detached', timeout: chaos.longest });
      await cut.getByRole('button', { name: /^Heal/ }).click();
      await chaos.allHealed(page);
      await chaos.setLoad(page, { orders: 0 });
      await until(
        'every order to end',
        async () => {
          const told = await chaos.totals(page);
          return Object.entries(told).every(([state, count]) => ends.includes(state) || count === 0);
        },
        chaos.longest,
      );
      await until(
        'a board that is green',
        async () => {
          const wrong = await page.locator('[data-invariant]:not([data-state=holds])').allInnerTexts();
          assert.deepEqual(wrong, [], `violated at some time: ${(await violated()).join(', ')}`);
          return true;
        },
        chaos.longest,
      );
      const seen = await violated();
      for (const invariant of seen)
        assert.equal(await mustAlwaysHold(page, invariant), false, `${invariant}, of ${seen.join(', ')} violated`);

      const written = await writtenTotals();
      const told = await chaos.totals(page);
      for (const state of ends) assert.equal(told[state], written[state] ?? 0, state);
      assert.ok((written['Completed'] ?? 0) > 0 && (written['Compensated'] ?? 0) > 0, JSON.stringify(written));

      const receipts = await chaos.receipts(page);
      assert.equal(receipts.length, 4);
      for (const receipt of receipts) {
        const title = receipt['Fault'] ?? '';
        assert.match(receipt['State'] ?? '', /Healed/, title);
        chaos.measured(receipt['Recovery'], `recovery of ${title}`);
        assert.match(receipt['Requests failed'] ?? '', /^[\d,]+ of [\d,]+$/, title);
      }
      await page.locator('[data-testid=phase][data-phase=STEADY]').waitFor({ timeout: chaos.longest });
      await looksRight(page, 'the chaos page with receipts');
    });
  });

  it('turns an invariant red when a safeguard is off, names the offenders, and all is healed by one press', async () => {
    await chaos.asOperator(shop, {}, async ({ page }) => {
      await page.getByTestId('board').waitFor({ timeout: chaos.longest });
      await chaos.plant(page, 'payments.capture-twice', 120);
      await chaos.setLoad(page, { orders: 2, declined: 0 });
      await chaos.invariantIs(page, 4, 'violated');
      await page.getByTestId('chaos-status').getByText('1 invariant violated').waitFor();
      await page.getByTestId('spoken').filter({ hasText: 'Invariant 4 is violated' }).waitFor();
      const invariant = page.getByTestId('invariant-4');
      await invariant.locator('summary').click();
      const [offender] = await invariant.locator('.offending li').allInnerTexts();
      assert.ok(offender);
      await looksRight(page, 'a violated invariant');
      await chaos.setLoad(page, { orders: 0 });
      await page.getByTestId('heal-all').click();
      await chaos.allHealed(page);
      await chaos.invariantIs(page, 4, 'holds');
    });
  });

  it('is driven by keyboard alone, and Escape gives the focus back', async () => {
    await chaos.asOperator(shop, {}, async ({ page }) => {
      const first = page.locator('[data-mesh-node][tabindex="0"]');
      await page.getByTestId('as-list').focus();
      await tabTo(page, first);
      const focused = (): Promise<string | null> =>
        page.evaluate(() => document.activeElement?.getAttribute('data-mesh-node') ?? null);
      await page.keyboard.press('ArrowRight');
      for (let steps = 0; steps < 12 && (await focused()) !== 'claims'; steps += 1)
        await page.keyboard.press('ArrowUp');
      for (let steps = 0; steps < 12 && (await focused()) !== 'claims'; steps += 1)
        await page.keyboard.press('ArrowDown');
      assert.equal(await focused(), 'claims');
      await page.keyboard.press('Enter');
      const panel = page.getByTestId('fault-panel');
      await panel.waitFor();
      await page.keyboard.press('Escape');
      await panel.waitFor({ state: 'detached' });
      assert.equal(await focused(), 'claims');

      await page.keyboard.press('Enter');
      const freeze = page.getByTestId('option-claims.crash');
      await tabTo(page, freeze);
      await page.keyboard.press('ArrowDown');
      assert.equal(await page.getByTestId('option-claims.freeze').isChecked(), true);
      await tabTo(page, page.locator('#fault-seconds'));
      await page.keyboard.press('Home');
      await tabTo(page, page.getByTestId('inject'));
      await page.keyboard.press('Enter');
      await panel.waitFor({ state: 'detached' });
      await page.getByTestId('active-faults').getByText('claims').first().waitFor();
      await chaos.allHealed(page);
    });
  });

  it('fits a phone, in the dark, with panels open and something broken', async () => {
    await chaos.asOperator(shop, { width: 360, scheme: 'dark' }, async ({ page }) => {
      await page.getByTestId('mesh-list').waitFor();
      await chaos.breakIt(page, 'bff>claims', 'link.bff.claims.latency', 120);
      await page.getByTestId('active-faults').waitFor();
      await looksRight(page, 'the chaos page on a phone');
      await chaos.openPanel(page, 'checkout-1');
      await page.getByTestId('option-checkout-1.point').check();
      await looksRight(page, 'the fault panel on a phone');
      await page.keyboard.press('Escape');
      await page.getByTestId('heal-all').click();
      await chaos.allHealed(page);
    });
  });

  it('records what is done by hand, exports it, and runs a file', async () => {
    await chaos.asOperator(shop, {}, async ({ page }) => {
      await page.getByTestId('record').click();
      await page.getByTestId('recording').filter({ hasText: 'Recording' }).waitFor();
      await chaos.setLoad(page, { orders: 1 });
      // A load is sent a moment after the slider has come to rest.
      await page.getByTestId('recording').filter({ hasText: '1 step' }).waitFor();
      await chaos.breakIt(page, 'bff>catalog-2', 'link.bff.catalog-2.latency', 5);
      await page.getByTestId('recording').filter({ hasText: '2 steps' }).waitFor();
      await page.getByTestId('record').click();
      await page.getByTestId('own-experiment').waitFor();
      const downloading = page.waitForEvent('download');
      await page.getByTestId('export-experiment').click();
      const download = await downloading;
      assert.match(download.suggestedFilename(), /\.json$/);
      // What it holds is checked by the page itself when it is brought along again, below.
      const exported = JSON.parse(await readFile(await download.path(), 'utf8')) as Experiment;
      assert.deepEqual(
        exported.steps.map((step) => ('fault' in step ? step.fault.kind : 'load')),
        ['load', 'link'],
      );
      await chaos.setLoad(page, { orders: 0 });

      const file = page.getByTestId('experiment-file');
      const asFile = (value: unknown) => ({
        name: 'mine.json',
        mimeType: 'application/json',
        buffer: Buffer.from(JSON.stringify(value)),
      });
      await file.setInputFiles(asFile({ ...exported, seed: -1 }));
      await page.getByRole('alert').filter({ hasText: 'This is not an experiment: seed' }).waitFor();
      await file.setInputFiles(asFile({ ...exported, name: 'Brought along', seconds: Math.max(exported.seconds, 6) }));
      await page.getByRole('button', { name: 'Run “Brought along”' }).click();
      await page.getByTestId('experiment-progress').waitFor();
      const result = page.getByTestId('experiment-result');
      await result.filter({ hasText: 'Brought along' }).waitFor({ timeout: chaos.longest });
      assert.equal(await result.getAttribute('data-passed'), 'true', await result.innerText());
    });
  });

  it('says so when the mesh is not heard any more, keeps what it knew with its age, and is live again', async () => {
    const { mesh } = shop.test;
    await chaos.asOperator(shop, {}, async ({ page }) => {
      await mesh.stopService('chaos', 'SIGKILL');
      try {
        await chaos.connectionIs(page, 'reconnecting');
        await page.locator('[data-testid=chaos-body][data-stale=true]').waitFor();
        await page
          .getByTestId('chaos-connection')
          .filter({ hasText: /what you see is \d+ s old/ })
          .waitFor();
        assert.ok((await page.locator('[data-mesh-node]').count()) > 8, 'what was known is still there');
        await looksRight(page, 'the chaos page while it reconnects');
      } finally {
        await mesh.startService('chaos');
      }
      await chaos.connectionIs(page, 'live');
      await page.locator('[data-testid=chaos-body][data-stale=false]').waitFor();
    });
  });
});
