/**
 * `/chaos` in a real browser while the mesh that it shows tells of more and more orders. The mesh is played (test code of
 * the storefront): the real one on this machine would take the page's cores, and does not make 200 orders a second.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { buildStorefront, ensureChromium, storefrontIsStale } from '@ballast/lab';
import { freePort } from '@ballast/testing';
import { chromium, type CDPSession, type Page } from 'playwright-core';
import { range } from './measure.ts';

const server = join(import.meta.dirname, '../../apps/storefront/test/fake/server.ts');
const flags = '--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking';

/** Orders a second; the first is the floor. */
const levels = [0, 50, 200];
/** A frame that comes later than that after the one before is a stutter somebody sees, in ms: three frames in one. */
const stutterMs = 50;

interface Level {
  orders: number;
  frames: number[];
  /** Frames that came too late, of a thousand. */
  stutters: number[];
  /** The longest time between two frames of a round, in ms. */
  longest: number[];
  /** Time the page's main thread worked, in ms a second. */
  work: number[];
}

export async function pageBench(options: {
  rounds: number;
  roundMs: number;
  say: (line: string) => void;
}): Promise<string> {
  const { rounds, roundMs, say } = options;
  if (storefrontIsStale()) await buildStorefront();
  const port = await freePort();
  const mesh = fork(server, [String(port)], { stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}`;
  const { executablePath, environment } = await ensureChromium();
  const env = { ...process.env, ...environment } as Record<string, string>;
  const browser = await chromium.launch({ executablePath, args: flags.split(' '), env });
  try {
    // Everything is in view: what nobody sees is not drawn.
    const page = await browser.newPage({ viewport: { width: 1280, height: 3_400 } });
    await answers(url);
    await page.goto(`${url}/chaos`);
    await page.getByTestId('mesh').waitFor();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Performance.enable');
    const found = levels.map((orders): Level => ({ orders, frames: [], stutters: [], longest: [], work: [] }));
    for (let round = 0; round <= rounds; round += 1) {
      for (const level of round % 2 === 0 ? found : found.toReversed()) {
        await load(page, url, level.orders);
        const seen = await watch(page, devtools, roundMs);
        if (round === 0) continue;
        level.frames.push(seen.frames);
        level.stutters.push(seen.stutters);
        level.longest.push(seen.longest);
        level.work.push(seen.work);
      }
      say(round === 0 ? 'warm' : `round ${round} of ${rounds}`);
    }
    return tableOf(found);
  } finally {
    await browser.close();
    if (mesh.exitCode === null) {
      mesh.kill();
      await once(mesh, 'exit');
    }
  }
}

async function answers(url: string): Promise<void> {
  const until = performance.now() + 10_000;
  for (;;) {
    try {
      await fetch(url);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Resolves when the page shows that many orders a second. */
async function load(page: Page, url: string, ordersPerSecond: number): Promise<void> {
  await fetch(`${url}/api/chaos/load`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ordersPerSecond, declined: 0.2, readsPerSecond: 0 }),
  });
  await page
    .locator('#load-orders')
    .and(page.locator(`[aria-valuetext="${ordersPerSecond} a second"]`))
    .waitFor();
  // Until those of the level before have ended.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
}

async function watch(page: Page, devtools: CDPSession, milliseconds: number) {
  const before = await workOf(devtools);
  const gaps = await page.evaluate(async (forMs) => {
    const seen: number[] = [];
    const began = performance.now();
    let last = began;
    while (last - began < forMs) {
      const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      if (now > last) seen.push(now - last);
      last = Math.max(last, now);
    }
    return seen;
  }, milliseconds);
  const seconds = gaps.reduce((sum, gap) => sum + gap, 0) / 1_000;
  return {
    frames: gaps.length / seconds,
    stutters: (gaps.filter((gap) => gap > stutterMs).length / gaps.length) * 1_000,
    longest: Math.max(...gaps),
    work: ((await workOf(devtools)) - before) / seconds,
  };
}

/** What the main thread has worked since the page was opened, in ms. */
async function workOf(devtools: CDPSession): Promise<number> {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000;
}

function tableOf(levels_: readonly Level[]): string {
  const rows = levels_.map(
    ({ orders, frames, stutters, longest, work }) =>
      `| ${orders} | ${range(frames)} | ${range(stutters)} | ${range(longest)} | ${range(work)} |`,
  );
  return [
    '### `/chaos` in Chromium, by orders a second',
    '',
    `| orders a second | frames a second | of 1,000 frames later than ${stutterMs} ms | longest between two, ms | main thread, ms a second |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
