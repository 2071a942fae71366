/** Claims as a process: how it starts and ends, and what a kill at a bad moment leaves. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunningApp } from '@ballast/testing';
import { spawnService, until, type ServiceProcess } from '@ballast/testing';
import { claimOf, decide, file, openBench, type Bench } from './support.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('the claims process', () => {
  let bench: Bench;
  const running = new Set<ServiceProcess>();
  before(async () => {
    bench = await openBench();
  });
  afterEach(async () => {
    for (const process of running) await process.end('SIGKILL');
    running.clear();
  });
  after(() => bench.close());

  async function start(settings: Record<string, string> = {}): Promise<ServiceProcess & Pick<RunningApp, 'url'>> {
    const process = await spawnService(main, {
      ...bench.environment,
      INSTANCE: 'claims-1',
      LAB_MODE: '1',
      ...settings,
    });
    running.add(process);
    return process;
  }
  /** The helpers want an app; of it they use the address. */
  const at = ({ url }: ServiceProcess): RunningApp => ({ url }) as RunningApp;

  it('starts, answers, and ends on SIGTERM with exit code 0, without a word above info', async () => {
    const process = await start();
    await process.ready();
    const person = bench.person();
    assert.equal((await file(at(process), person, claimOf(bench.checkout.add(person.userId)))).status, 201);
    assert.deepEqual(await process.end('SIGTERM'), { code: 0, signal: null });
    assert.deepEqual(
      process.log().filter((line) => line.level > 30),
      [],
    );
    assert.deepEqual(process.errors, []);
  });

  it('names a setting that is wrong in one sentence, with exit code 1', async () => {
    const process = await start({ CHECKOUT_URLS: 'http://127.0.0.1:4005/path' });
    assert.equal((await process.ended).code, 1);
    assert.equal(process.errors.length, 1);
    assert.match(process.errors[0]!, /^claims: CHECKOUT_URLS: /);
  });

  it('has the claim although it is killed between commit and answer, and answers it on the next try', async () => {
    const person = bench.person();
    const body = claimOf(bench.checkout.add(person.userId));
    const key = randomUUIDv7();
    const doomed = await start({ FAULTS: 'after-claim=crash' });
    await doomed.ready();
    await assert.rejects(file(at(doomed), person, body, key));
    assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });
    const [row] = await bench.test.database.query('SELECT claim_id FROM claims WHERE user_id = $1', [person.userId]);

    const next = await start();
    await next.ready();
    const again = await file(at(next), person, body, key);
    assert.deepEqual([again.status, again.body.claimId], [200, row!['claim_id']]);
  });

  for (const point of ['before-commit', 'after-commit', 'after-publish']) {
    it(`asks for a granted claim’s refund once although it is killed at ${point}`, async () => {
      const [person, operator] = [bench.person(), bench.person('operator')];
      const orderId = bench.checkout.add(person.userId);
      const doomed = await start({ FAULTS: `${point}=crash` });
      await doomed.ready();
      const { body: claim } = await file(at(doomed), person, claimOf(orderId));
      await Promise.allSettled([decide(at(doomed), operator, claim.claimId, 'grant')]);
      assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });

      const next = await start();
      await next.ready();
      assert.equal((await decide(at(next), operator, claim.claimId, 'grant')).body.state, 'granted');
      await until('the refund is asked for', () => bench.refundsAsked(orderId).length > 0);
      await until('the outbox is empty', async () => {
        return (await bench.test.database.query('SELECT FROM outbox')).length === 0;
      });
      assert.deepEqual(bench.refundsAsked(orderId), [claim.claimId]);
    });
  }
});
