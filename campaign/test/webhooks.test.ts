import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkWebhooks, type WebhooksSize } from '../src/guarantees/webhooks.ts';
import { assertFound } from './found.ts';

const small: WebhooksSize = { webhooks: 80, copies: 3, kills: 1, concurrency: 12, seed: 1 };

it('every webhook has one effect, whatever its order and number, with kills in between; wrong amounts have none', async () => {
  const { figures, violations } = await checkWebhooks(small);
  assert.deepEqual(violations, []);
  assert.equal(figures['kills'], small.kills);
  assert.ok(figures['webhooks']! >= small.webhooks);
  assert.ok(figures['deliveries']! >= small.webhooks * small.copies);
});

for (const [defect, broken] of [
  ['payments.webhook-no-dedupe', 'one effect per event: '],
  ['payments.amount-unchecked', 'a wrong amount never completes an order: '],
  ['payments.state-backwards', 'nothing moves back: '],
] as const) {
  it(`${defect} is found`, async () => {
    await assertFound(() => checkWebhooks({ ...small, webhooks: 45, kills: 0, defects: defect }), broken);
  });
}
