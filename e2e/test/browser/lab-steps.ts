/** What operators do again and again on `/lab`. */
import assert from 'node:assert/strict';
import type { BrowserContext, Page } from 'playwright-core';
import type { Shop, Visitor, VisitorOptions } from './shop.ts';

/** Milliseconds the longest demonstration may take, services that were broken on purpose included. */
const longest = 120_000;

/** What Chromium writes into its console where an answer is a refusal that a demonstration is about. */
export const refusals = /status of (412|429|50[0-4])/;

let cookies: Awaited<ReturnType<BrowserContext['cookies']>> | undefined;

/** Lets the operator of the seed visit `/lab`; all visits share one session, as one person's would. */
export function asOperator(
  shop: Shop,
  options: VisitorOptions,
  run: (visitor: Visitor) => Promise<void>,
): Promise<void> {
  return shop.visit({ expected: refusals, ...options }, async (visitor) => {
    const { page, context } = visitor;
    if (cookies === undefined) {
      await signInFromLab(page);
      cookies = await context.cookies();
    } else {
      await context.addCookies(cookies);
      await page.goto('/lab');
    }
    await clusterIs(page, 'live');
    await run(visitor);
  });
}

/** From `/lab` to signing in and back, with the account the page names. */
export async function signInFromLab(page: Page): Promise<void> {
  await page.goto('/lab');
  await page.getByRole('link', { name: 'Sign in as an operator' }).click();
  await page.getByTestId('fill-demo-account').click();
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL(/\/lab$/);
}

/** Waits until the cluster's connection is this. */
export async function clusterIs(page: Page, connection: string): Promise<void> {
  await page.locator(`[data-testid=cluster-connection][data-connection=${connection}]`).waitFor();
}

/** Runs a demonstration to its end and answers with its summary. Fails with what it says where it failed. */
export async function drive(page: Page, id: string): Promise<string> {
  await page.getByTestId(`run-${id}`).click();
  return endOf(page, id);
}

/** Waits until a demonstration that was begun has ended; answers with its summary. */
export async function endOf(page: Page, id: string): Promise<string> {
  const demonstration = page.getByTestId(`demo-${id}`);
  const failure = demonstration.getByRole('alert');
  const summary = page.getByTestId(`summary-${id}`);
  await demonstration
    .and(page.locator('[data-busy=false]'))
    .filter({ has: page.getByRole('alert').or(summary.filter({ hasText: /\S/ })) })
    .waitFor({ timeout: longest });
  assert.deepEqual(await failure.allInnerTexts(), [], `the demonstration ${id}`);
  return summary.innerText();
}

/** How many answers of a kind a demonstration has drawn; 0 where there is none. */
export async function marks(page: Page, id: string, label: string): Promise<number> {
  const group = page.getByTestId(`demo-${id}`).locator(`[data-mark="${label}"]`);
  return (await group.count()) === 0 ? 0 : Number(await group.first().getAttribute('data-count'));
}

/** Types a number into one of a demonstration's inputs. */
export async function set(page: Page, id: string, value: number): Promise<void> {
  await page.locator(`#${id}`).fill(String(value));
}
