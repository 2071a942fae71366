/** What every page owes everybody: nothing serious found by axe, and nothing wider than the screen. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

interface AxeViolation {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

let source: Promise<string> | undefined;

/** Fails when axe finds something serious or critical, or when something sticks out of the page to the right. */
export async function looksRight(page: Page, what: string): Promise<void> {
  await page.evaluate(endTransitions);
  assert.deepEqual(await seriousFindings(page), [], `axe on ${what}`);
  assert.deepEqual(await stickingOut(page), [], `wider than the screen on ${what}`);
}

/** Half-way through a transition colours are nobody's choice. */
function endTransitions(): void {
  for (const animation of document.getAnimations()) if (animation instanceof CSSTransition) animation.finish();
}

/** What axe finds that is serious or critical, as lines. */
export async function seriousFindings(page: Page): Promise<string[]> {
  source ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  // Evaluated by the debugger: the page's content security policy stays in force.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(await source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: AxeViolation[] }> };
    };
    return (await axe.run({ resultTypes: ['violations'] })).violations;
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** What a visitor sees end to the right of the window or of its box, and the page itself where it scrolls sideways. */
async function stickingOut(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const found: string[] = [];
    if (document.documentElement.scrollWidth > width) found.push(`the page: ${document.documentElement.scrollWidth}`);
    for (const element of document.querySelectorAll('body *')) {
      const box = element.getBoundingClientRect();
      if (box.width > 1 && box.height > 1 && box.right > width + 0.5) {
        found.push(`${element.tagName} ${element.getAttribute('class') ?? ''}: ${box.right}`);
      }
    }
    for (const text of document.querySelectorAll('[data-node] text')) {
      const words = text.getBoundingClientRect();
      const box = text.parentElement?.querySelector('rect')?.getBoundingClientRect();
      const fits =
        box !== undefined &&
        words.left >= box.left &&
        words.right <= box.right &&
        words.top >= box.top &&
        words.bottom <= box.bottom;
      if (!fits) found.push(`${text.textContent} in its box`);
    }
    return found;
  });
}
