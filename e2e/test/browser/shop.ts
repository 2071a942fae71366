/** The shop in a real browser: one mesh, one Chromium, and visitors whose pages report everything that is not as it should be. */
import assert from 'node:assert/strict';
import { ensureChromium } from '@ballast/lab';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { testMesh, type Profile, type TestMesh } from '../support.ts';

const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** How long a page may take for anything, in milliseconds. */
export const patience = 90_000;

export interface VisitorOptions {
  width?: 1280 | 360;
  scheme?: 'light' | 'dark';
  /** Already signed in as the customer of the seed. Default false. */
  signedIn?: boolean;
  /** Errors the browser writes to its console by itself when an answer is an error, and that this journey provokes. */
  expected?: RegExp;
}

export interface Visitor {
  page: Page;
  context: BrowserContext;
  /** A further page of the same visitor. */
  secondTab: () => Promise<Page>;
}

export interface Shop {
  test: TestMesh;
  url: string;
  /** Lets a visitor do something; fails, too, when a page complained meanwhile. */
  visit(options: VisitorOptions, run: (visitor: Visitor) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Starts the browser, and the mesh unless it is there. */
export async function openShop(profile: Profile): Promise<Shop> {
  const test = await testMesh(profile);
  const url = test.mesh.urls['bff']!;
  const { executablePath, environment } = await ensureChromium();
  const env = { ...process.env, ...environment } as Record<string, string>;
  const browser = await chromium.launch({ executablePath, args: flags.split(' '), env });

  // One sign-in for all journeys that are not about signing in.
  let signedInState: Awaited<ReturnType<BrowserContext['storageState']>> | undefined;
  const signedIn = async (): Promise<typeof signedInState> => {
    if (signedInState !== undefined) return signedInState;
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    await page.goto(`${url}/sign-in`);
    await page.getByTestId('fill-demo-account').click();
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByTestId('account-menu').waitFor();
    signedInState = await context.storageState();
    await context.close();
    return signedInState;
  };

  return {
    test,
    url,
    visit: async ({ width = 1280, scheme = 'light', signedIn: known = false, expected }, run) => {
      const complaints: string[] = [];
      const state = known ? await signedIn() : undefined;
      const context = await browser.newContext({
        baseURL: url,
        viewport: { width, height: width === 360 ? 740 : 800 },
        colorScheme: scheme,
        reducedMotion: 'reduce',
        ...(state === undefined ? {} : { storageState: state }),
      });
      context.setDefaultTimeout(patience);
      watch(context, url, expected, complaints);
      const page = await context.newPage();
      try {
        await run({ page, context, secondTab: () => context.newPage() });
      } catch (error) {
        const seen = await page.locator('body').innerText({ timeout: 1_000 }).catch(String);
        throw new Error(`${String(error)}\nat ${page.url()}, where one reads:\n${seen}\n${complaints.join('\n')}`, {
          cause: error,
        });
      } finally {
        await context.close();
      }
      assert.deepEqual(complaints, []);
    },
    close: () => browser.close(),
  };
}

/** Notes console errors, script errors, refusals by the content security policy, and whatever comes from elsewhere. */
function watch(context: BrowserContext, origin: string, expected: RegExp | undefined, complaints: string[]): void {
  context.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const text = `${message.text()} (${message.location().url})`;
    if (expected?.test(text) !== true) complaints.push(text);
  });
  context.on('weberror', (error) => complaints.push(error.error().stack ?? error.error().message));
  context.on('request', (request) => {
    const address = new URL(request.url());
    if (address.origin !== origin && address.protocol !== 'data:') complaints.push(`asked for ${request.url()}`);
  });
}
