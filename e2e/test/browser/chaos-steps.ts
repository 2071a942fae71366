/** What operators do again and again on `/chaos`, and what the page says meanwhile. */
import assert from 'node:assert/strict';
import { until } from '@ballast/testing';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import type { Shop, Visitor, VisitorOptions } from './shop.ts';

/** Milliseconds until a healed fault has its receipt, or an invariant its verdict, on a machine that has much to do. */
export const longest = 150_000;

/** What Chromium writes into its console where an answer is what a fault has made of it. */
export const consequences = /status of 50[0-4]|ERR_(CONNECTION|INCOMPLETE|EMPTY|HTTP2)/;

let cookies: Awaited<ReturnType<BrowserContext['cookies']>> | undefined;

/** Lets the operator of the seed visit `/chaos`, live; all visits share one session, as one person's would. */
export function asOperator(
  shop: Shop,
  options: VisitorOptions,
  run: (visitor: Visitor) => Promise<void>,
): Promise<void> {
  return shop.visit({ expected: consequences, ...options }, async (visitor) => {
    const { page, context } = visitor;
    if (cookies === undefined) {
      await page.goto('/chaos');
      await page.getByRole('link', { name: 'Sign in as an operator' }).click();
      await page.getByTestId('fill-demo-account').click();
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.waitForURL(/\/chaos$/);
      cookies = await context.cookies();
    } else {
      await context.addCookies(cookies);
      await page.goto('/chaos');
    }
    await connectionIs(page, 'live');
    await page.getByTestId('chaos-body').waitFor();
    await run(visitor);
  });
}

/** Waits until the page is as live as this. */
export async function connectionIs(page: Page, connection: string): Promise<void> {
  await page.locator(`[data-testid=chaos-connection][data-connection=${connection}]`).waitFor();
}

/** Opens the panel of a service or part (`checkout-1`) or of a link (`payments>rabbitmq`), wherever it is shown. */
export async function openPanel(page: Page, target: string): Promise<Locator> {
  const isLink = target.includes('>');
  const drawn = page.locator(isLink ? `[data-mesh-link="${target}"]` : `[data-mesh-node="${target}"]`);
  if ((await page.getByTestId('mesh').count()) > 0) {
    // Lines lie on one another: they are pressed as a keyboard would.
    await drawn.focus();
    await page.keyboard.press('Enter');
  } else if (isLink) {
    const entry = page.locator(`[data-mesh-entry="${target.split('>')[0]}"]`);
    await entry.locator('summary').click();
    await entry.locator(`[data-mesh-link="${target}"]`).click();
  } else {
    await page.locator(`[data-mesh-entry="${target}"] button`).first().click();
  }
  const panel = page.getByTestId('fault-panel');
  await panel.waitFor();
  return panel;
}

/** Breaks something from its panel, for so many seconds where it lasts; returns when the panel has closed. */
export async function breakIt(page: Page, target: string, option: string, seconds?: number): Promise<void> {
  const panel = await openPanel(page, target);
  await inject(page, panel, option, seconds);
}

/** Plants a negative control from the board. */
export async function plant(page: Page, control: string, seconds: number): Promise<void> {
  await page.getByTestId('controls').click();
  await inject(page, page.getByTestId('fault-panel'), `control.${control}`, seconds);
}

async function inject(page: Page, panel: Locator, option: string, seconds: number | undefined): Promise<void> {
  await page.getByTestId(`option-${option}`).check();
  if (seconds !== undefined) await page.locator('#fault-seconds').fill(String(seconds));
  await page.getByTestId('inject').click();
  const refused = panel.getByRole('alert');
  await until('the panel to close', async () => {
    if ((await refused.count()) > 0) throw new Error(await refused.innerText());
    return (await panel.count()) === 0;
  });
}

/** Sets the load; the share of declined cards in percent. */
export async function setLoad(page: Page, load: { orders?: number; declined?: number; reads?: number }): Promise<void> {
  for (const [name, value] of Object.entries(load)) await page.locator(`#load-${name}`).fill(String(value));
}

/** Orders by state as the page tells them. */
export async function totals(page: Page): Promise<Record<string, number>> {
  const entries = await page
    .locator('[data-total]')
    .evaluateAll((all) =>
      all.map((item) => [item.getAttribute('data-total'), Number(item.getAttribute('data-count'))]),
    );
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Waits until no fault is active or recovering, and nothing but what was expected is said of how they ended. */
export async function allHealed(page: Page): Promise<void> {
  await page.getByTestId('nothing-broken').waitFor({ timeout: longest });
  await page.locator('[data-receipt][data-state=recovering]').first().waitFor({ state: 'detached', timeout: longest });
}

/** The receipts as they stand in the table, the newest first: title and figures by the names of their columns. */
export async function receipts(page: Page): Promise<Record<string, string>[]> {
  return page.locator('[data-receipt]').evaluateAll((rows) =>
    rows.map((row) => {
      const cells = [...row.querySelectorAll('td')];
      return Object.fromEntries(
        cells.map((cell) => [cell.getAttribute('data-column') ?? '', (cell.textContent ?? '').trim()]),
      );
    }),
  );
}

/** Begins to write down every invariant that the board ever shows as violated. */
export async function watchBoard(page: Page): Promise<() => Promise<string[]>> {
  await page.getByTestId('board').waitFor({ timeout: longest });
  await page.evaluate(() => {
    const seen = new Set<string>();
    Object.assign(globalThis, { violatedSeen: seen });
    const look = (): void => {
      for (const item of document.querySelectorAll('[data-invariant][data-state=violated]'))
        seen.add(item.getAttribute('data-invariant') ?? '');
    };
    look();
    new MutationObserver(look).observe(document.body, { attributes: true, subtree: true, childList: true });
  });
  return () => page.evaluate(() => [...(globalThis as unknown as { violatedSeen: Set<string> }).violatedSeen]);
}

/** Waits until an invariant is judged so. */
export async function invariantIs(page: Page, invariant: number, state: string): Promise<void> {
  await page.locator(`[data-invariant="${invariant}"][data-state=${state}]`).waitFor({ timeout: longest });
}

/** Fails unless a duration of a receipt was measured. */
export function measured(text: string | undefined, what: string): void {
  assert.match(text ?? '', /^\d[\d.]* (ms|s|min)/, what);
}
