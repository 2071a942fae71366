/** Reading claims, and deciding about them. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { ClaimPage } from '@ballast/contracts';
import { until, type RunningApp } from '@ballast/testing';
import {
  call,
  decide,
  file,
  filed,
  claimOf,
  openBench,
  type Bench,
  type ClaimAnswer,
  type Person,
} from '../support.ts';

describe('claims', () => {
  let bench: Bench;
  let app: RunningApp;
  let person: Person;
  let operator: Person;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
    person = bench.person();
    operator = bench.person('operator');
  });
  after(() => bench.close());

  const fresh = async (who = person, orderId = bench.checkout.add(who.userId)) => filed(app, who, orderId);
  const read = (who: Person, claimId: string): Promise<ClaimAnswer> => call(`${app.url}/claims/${claimId}`, who);
  const list = async (who: Person, query = '') => call<ClaimPage>(`${app.url}/claims${query}`, who);

  it('are shown to their owner and to operators, and to nobody else', async () => {
    const claim = await fresh();
    for (const who of [person, operator]) {
      const { status, headers, body } = await read(who, claim.claimId);
      assert.equal(status, 200);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.deepEqual(body, claim);
    }
    assert.equal((await read(bench.person(), claim.claimId)).status, 404);
    assert.equal((await read(person, randomUUIDv7())).status, 404);
  });

  it('come in pages, newest first, each once', async () => {
    const customer = bench.person();
    const orderId = bench.checkout.add(customer.userId);
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.unshift((await fresh(customer, orderId)).claimId);
    await fresh();
    const seen: string[] = [];
    let query = '?limit=2';
    for (let pages = 1; ; pages += 1) {
      const { status, body } = await list(customer, query);
      assert.equal(status, 200);
      seen.push(...body.items.map((claim) => claim.claimId));
      if (body.nextCursor === null) {
        assert.equal(pages, 3);
        break;
      }
      query = `?limit=2&cursor=${body.nextCursor}`;
    }
    assert.deepEqual(seen, ids);
    assert.equal((await list(customer, '?cursor=nonsense')).status, 422);
  });

  it('of everybody are shown by their state, to operators only', async () => {
    const claim = await fresh();
    const page = await list(operator, '?state=open&limit=1');
    assert.equal(page.body.items[0]!.claimId, claim.claimId);
    await decide(app, operator, claim.claimId, 'refuse');
    const open = await list(operator, '?state=open&limit=100');
    assert.ok(open.body.items.every(({ claimId, state }) => state === 'open' && claimId !== claim.claimId));
    assert.deepEqual((await list(operator)).body.items, [], 'without a state operators see their own');
    assert.equal((await list(person, '?state=open')).status, 403);
  });

  it('are granted by operators: the refund is asked for once, whoever decides it again', async () => {
    const claim = await fresh();
    const granted = await decide(app, operator, claim.claimId, 'grant', 'Broken indeed.');
    assert.equal(granted.status, 200);
    assert.deepEqual([granted.body.state, granted.body.note], ['granted', 'Broken indeed.']);
    assert.ok(Math.abs(Date.parse(granted.body.decidedAt!) - Date.now()) < 10_000);
    const again = await decide(app, operator, claim.claimId, 'grant', 'Another word.');
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, granted.body);
    const other = await decide(app, operator, claim.claimId, 'refuse');
    assert.deepEqual([other.status, other.body.code], [409, 'conflict']);
    await until('the refund is asked for', () => bench.refundsAsked(claim.orderId).length > 0);
    assert.deepEqual(bench.refundsAsked(claim.orderId), [claim.claimId]);
  });

  it('are granted once by operators who decide at the same time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const claim = await fresh();
      const decisions = ['grant', 'refuse', 'grant', 'refuse', 'grant', 'refuse'] as const;
      const answers = await Promise.all(decisions.map((decision) => decide(app, operator, claim.claimId, decision)));
      const { body: end } = await read(person, claim.claimId);
      const winner = end.state === 'granted' ? 'grant' : 'refuse';
      assert.deepEqual(
        answers.map(({ status }) => status),
        decisions.map((decision) => (decision === winner ? 200 : 409)),
      );
      const stored = await bench.test.database.query('SELECT FROM outbox WHERE aggregate_id = $1', [claim.orderId]);
      const asked = stored.length + bench.refundsAsked(claim.orderId).length;
      if (winner === 'refuse') assert.equal(asked, 0);
      if (winner === 'grant') await until('the refund', () => bench.refundsAsked(claim.orderId).length === 1);
    }
  });

  it('of one order are granted at most once, also at the same time', async () => {
    const orderId = bench.checkout.add(person.userId);
    const claims = await Promise.all([1, 2, 3, 4].map(() => fresh(person, orderId)));
    const answers = await Promise.all(claims.map(({ claimId }) => decide(app, operator, claimId, 'grant')));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 409, 409, 409],
    );
    const lost = answers.find(({ status }) => status === 409)!;
    assert.equal(lost.body.code, 'conflict');
    assert.match(lost.body.detail!, /Another claim for the same order/);
    const winner = answers.find(({ status }) => status === 200)!.body.claimId;
    await until('the refund', () => bench.refundsAsked(orderId).length > 0);
    assert.deepEqual(bench.refundsAsked(orderId), [winner]);
    const late = await fresh(person, orderId);
    assert.equal((await decide(app, operator, late.claimId, 'grant')).status, 409);
    assert.equal((await decide(app, operator, late.claimId, 'refuse')).status, 200);
  });

  it('keep their key after a decision: a replay shows the claim as it stands', async () => {
    const key = randomUUIDv7();
    const body = claimOf(bench.checkout.add(person.userId));
    const { body: claim } = await file(app, person, body, key);
    await decide(app, operator, claim.claimId, 'refuse', 'It was whole.');
    const replay = await file(app, person, body, key);
    assert.equal(replay.status, 200);
    assert.deepEqual([replay.body.claimId, replay.body.state], [claim.claimId, 'refused']);
  });

  it('are not decided by customers, nor where there are none', async () => {
    const claim = await fresh();
    assert.equal((await decide(app, person, claim.claimId, 'grant')).status, 403);
    assert.equal((await decide(app, operator, randomUUIDv7(), 'grant')).status, 404);
    const bad = await call<{ code: string }>(`${app.url}/claims/${claim.claimId}/decision`, operator, {
      body: { decision: 'maybe' },
    });
    assert.equal(bad.status, 422);
    assert.equal((await read(person, claim.claimId)).body.state, 'open');
  });

  it('have no lab routes outside the lab', async () => {
    for (const path of ['claims?key=a', 'relay', 'consumers', 'credentials']) {
      assert.equal((await call(`${app.url}/lab/${path}`, operator)).status, 404, path);
    }
  });

  it('have their dead letters shown to operators only', async () => {
    const { status, body } = await call<{ items?: unknown }>(`${app.url}/dead-letters`, operator);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal((await call(`${app.url}/dead-letters`, person)).status, 403);
  });
});

describe('the claims lab', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench({ lab: true });
  });
  after(() => bench.close());

  it('shows operators the relay, the consumers and the login of the database', async () => {
    const app = await bench.start({ LAB_MODE: '1' });
    for (const path of ['relay', 'consumers', 'credentials']) {
      const url = `${app.url}/lab/${path}`;
      assert.equal((await call(url, bench.person('operator'))).status, 200, path);
      assert.equal((await call(url, bench.person())).status, 403, path);
    }
  });

  it('shows operators the rows behind a key, and the statement', async () => {
    const app = await bench.start({ LAB_MODE: '1' });
    const [person, operator] = [bench.person(), bench.person('operator')];
    const key = randomUUIDv7();
    const { body: claim } = await file(app, person, claimOf(bench.checkout.add(person.userId)), key);
    const url = `${app.url}/lab/claims?key=${key}`;
    const { status, body } = await call<{ rows: Record<string, string>[]; statement: string }>(url, operator);
    assert.equal(status, 200);
    assert.deepEqual(
      body.rows.map((row) => [row['claim_id'], row['user_id'], row['idempotency_key'], row['state']]),
      [[claim.claimId, person.userId, key, 'open']],
    );
    assert.match(body.statement, /INSERT INTO claims[^]*ON CONFLICT \(idempotency_key, user_id\) DO NOTHING/);
    assert.equal((await call(url, person)).status, 403);
    assert.equal((await call(`${app.url}/lab/claims`, operator)).status, 422);
  });
});
