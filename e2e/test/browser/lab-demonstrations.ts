/** Every demonstration of `/lab`, driven as an operator would and compared with the rows. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Page } from 'playwright-core';
import { asOperator, drive, endOf, marks, set } from './lab-steps.ts';
import { looksRight } from './looks.ts';
import type { Shop } from './shop.ts';
import * as does from './steps.ts';

/** @param theShop the shop once it is open */
export function labDemonstrations(theShop: () => Shop): void {
  const rows = <Row extends object>(query: string, values: unknown[]): Promise<Row[]> =>
    theShop().test.rows<Row>(query, values);

  const ways = [
    {
      failAt: 'none',
      end: 'Completed',
      states: ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured', 'Completed'],
    },
    { failAt: 'stock', end: 'Compensated', states: ['Initiated', 'Compensated'] },
    {
      failAt: 'authorisation',
      end: 'Compensated',
      states: ['Initiated', 'StockReserved', 'Compensating', 'Compensated'],
    },
    { failAt: 'capture', end: 'Compensated', states: null },
  ] as const;
  for (const { failAt, end, states } of ways) {
    it(`an order that fails at ${failAt} ends as ${end}, drawn as it went`, async () => {
      await asOperator(theShop(), {}, async ({ page }) => {
        await page.locator('#place-order-fail').selectOption(failAt);
        await drive(page, 'place-order');
        const demonstration = page.getByTestId('demo-place-order');
        await demonstration.locator(`[data-testid=order-state][data-state=${end}]`).waitFor();
        const orderId = await demonstration.getByTestId('lab-order').innerText();
        const written = await rows<{ to_state: string }>(
          'SELECT to_state FROM checkout.saga_transitions WHERE saga_id = $1 ORDER BY seq',
          [orderId],
        );
        const listed = await does.listedSteps(page);
        assert.deepEqual(
          listed,
          written.map((row) => row.to_state),
        );
        if (states !== null) assert.deepEqual(listed, states);
        else assert.ok(listed.includes('ReadyForPayment'), 'it was authorised before it failed');
        const current = demonstration.locator(`[data-testid=saga] [data-node=${end}]`);
        assert.equal(await current.getAttribute('data-node-state'), 'current');
        if (failAt === 'none') await looksRight(page, 'an order on /lab');
      });
    });
  }

  it('of many callers on one key one files a claim, and there is one row', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'race-key-callers', 40);
      assert.match(await drive(page, 'race-key'), /^40 callers: 1 created a claim, 39 were answered with it\./);
      const claimId = await page.getByTestId('demo-race-key').locator('td[data-column=Claim]').first().innerText();
      const filed = await rows<{ count: string }>(
        'SELECT count(*) FROM claims.claims WHERE order_id = (SELECT order_id FROM claims.claims WHERE claim_id = $1)',
        [claimId],
      );
      assert.equal(filed[0]?.count, '1');
    });
  });

  it('of many writers on one version one wins and the others are told 412', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'race-version-writers', 40);
      assert.equal(await drive(page, 'race-version'), '40 writers: 1 won, 39 were told 412.');
      assert.equal(await marks(page, 'race-version', '200'), 1);
      assert.equal(await marks(page, 'race-version', '412'), 39);
      const change = page.getByTestId('demo-race-version').locator('.rows-changed', { hasText: 'xmin' });
      await change.first().waitFor();
      await looksRight(page, 'a race on /lab');
    });
  });

  it('a stampede on a cold key reads once with single flight, and often without', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'stampede-callers', 50);
      await drive(page, 'stampede');
      const reads = (side: string): Promise<string | null> =>
        page.getByTestId(`stampede-${side}`).getAttribute('data-reads');
      assert.equal(await reads('with'), '1');
      assert.ok(Number(await reads('without')) > 1, `${await reads('without')} reads without single flight`);
    });
  });

  it('a changed product is served by both replicas within half a second', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      const shown: string[] = [];
      // A busy machine may be held up for longer than that; then it is shown once more, and it is not held up every time.
      for (let tries = 0; tries < 5; tries += 1) {
        assert.match(await drive(page, 'converge'), /all 2 replicas serve it/);
        const texts = await Promise.all(
          ['catalog-1', 'catalog-2'].map((replica) =>
            page.getByTestId(`replica-${replica}`).locator('.figure-large').innerText(),
          ),
        );
        if (texts.every((text) => Number(/^(\d{1,3}) ms/.exec(text)?.[1]) <= 500)) return;
        shown.push(texts.join(' and '));
      }
      assert.fail(`both within half a second never: ${shown.join(', ')}`);
    });
  });

  it('a claim is filed, granted and refunded, and the ledger says so', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      assert.match(await drive(page, 'refund'), /^Refunded/);
      const steps = await page
        .getByTestId('claim-steps')
        .locator('li')
        .evaluateAll((all) => all.map((step) => step.getAttribute('data-state')));
      assert.deepEqual(steps, ['open', 'granted', 'refunded']);
      const orderId = await page.getByTestId('claimed-order').innerText();
      const ledger = await rows<{ kind: string; amount: string }>(
        `SELECT kind, amount FROM payments.ledger WHERE order_id = $1 AND kind IN ('captured', 'refunded') ORDER BY kind`,
        [orderId],
      );
      assert.deepEqual(
        ledger.map(({ kind }) => kind),
        ['captured', 'refunded'],
      );
      assert.equal(ledger[0]?.amount, ledger[1]?.amount);
    });
  });

  it('with the relay paused rows wait and orders stand; resumed, everything goes out and the orders complete', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'relay-seconds', 60);
      await set(page, 'relay-orders', 2);
      await page.getByTestId('run-relay').click();
      await page.getByTestId('relay-rows').filter({ hasText: /[1-9]/ }).waitFor();
      await page.getByTestId('relay-state').filter({ hasText: 'paused' }).waitFor();
      const waiting = await rows<{ count: string }>('SELECT count(*) FROM payments.outbox', []);
      assert.ok(Number(waiting[0]?.count) > 0, 'the rows are in the outbox');
      await looksRight(page, 'a paused relay on /lab');
      await page.getByTestId('resume-relay').click();
      assert.match(await endOf(page, 'relay'), /none now\..*2 of 2 orders complete\.$/);
    });
  });

  it('a credential is rotated under load without a failed query, and the old role leaves the database', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'rotation-seconds', 5);
      const summary = await drive(page, 'rotation');
      assert.match(summary, /, 0 failed\..* has left the database\.$/);
      const stages = await page
        .getByTestId('rotation-stages')
        .locator('li')
        .evaluateAll((all) => all.map((stage) => stage.getAttribute('data-stage')));
      assert.deepEqual(stages, ['started', 'credentials-fetched', 'activated', 'grace-period', 'revoked-old']);
      const old = /the old role (\S+) has left/.exec(summary)?.[1];
      const roles = await rows<{ count: string }>('SELECT count(*) FROM pg_roles WHERE rolname = $1', [old]);
      assert.equal(roles[0]?.count, '0');
    });
  });

  it('a circuit trips, half-opens and closes, and an open one asks payments nothing', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'circuit-seconds', 5);
      const summary = await drive(page, 'circuit');
      const states = await breakerStates(page);
      assert.equal(states[0], 'open');
      assert.ok(states.includes('half-open'));
      assert.equal(states.at(-1), 'closed');
      assert.match(summary, /, [1-9]\d* were answered without asking it\.$/);
      await page.locator('[data-upstream=payments][data-state=closed]').waitFor();
    });
  });

  it('a broken service is healed by hand', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'circuit-seconds', 60);
      await page.getByTestId('run-circuit').click();
      await page.getByTestId('breaker-state').filter({ hasText: 'open' }).waitFor();
      await page.getByTestId('heal-circuit').click();
      await endOf(page, 'circuit');
      assert.equal((await breakerStates(page)).at(-1), 'closed');
    });
  });

  it('a burst empties the bucket, is refused, and the bucket fills again', async () => {
    await asOperator(theShop(), {}, async ({ page }) => {
      await set(page, 'burst-count', 40);
      await page.getByTestId('run-burst').click();
      await page.getByTestId('stop-burst').waitFor();
      await endOf(page, 'burst');
      const accepted = await marks(page, 'burst', 'accepted (204)');
      const refused = await marks(page, 'burst', 'refused (429)');
      assert.equal(accepted + refused, 40);
      assert.ok(accepted > 0 && refused > 0, `${accepted} accepted, ${refused} refused`);
      const level = page.getByTestId('bucket-expensive').locator('progress');
      assert.equal(await level.getAttribute('value'), await level.getAttribute('max'), 'full again');
    });
  });
}

function breakerStates(page: Page): Promise<(string | null)[]> {
  return page
    .getByTestId('breaker-steps')
    .locator('li')
    .evaluateAll((all) => all.map((step) => step.getAttribute('data-state')));
}
