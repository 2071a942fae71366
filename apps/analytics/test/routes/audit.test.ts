import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { DeviceEvent } from '@ballast/contracts';
import { genericPlan, until, type RunningApp } from '@ballast/testing';
import { insertAuditEvents, searchStatements } from '../../src/store/audit.ts';
import { keepLatestFrames } from '../../src/store/latest.ts';
import { eventOf, get, newEpoch, openBench, type Answer, type Bench } from '../support.ts';

interface Page {
  items: (DeviceEvent & { gateway: string })[];
  nextCursor: string | null;
}

describe('the audit trail', () => {
  let bench: Bench;
  let app: RunningApp;
  const plans: Record<string, string> = {};
  const epoch = newEpoch();
  const start = Date.parse('2026-11-21T10:00:00.000Z');
  const at = (second: number): string => new Date(start + second * 1_000).toISOString();
  /** Sixty events, a second apart but for some at the same instant. */
  const events = Array.from({ length: 60 }, (_, index): DeviceEvent => {
    const rejected = index % 2 === 0;
    return eventOf({
      kind: rejected ? 'rejected' : index % 3 === 0 ? 'disposed' : 'authenticated',
      at: at(Math.floor(index / 3)),
      deviceId: index % 4 === 0 ? null : `mill-${index % 5}`,
      claimedId: index % 4 === 0 ? 'mill-1' : null,
      sessionId: rejected ? null : randomUUIDv7(),
      reason: rejected ? (index % 4 === 0 ? 'bad_signature' : 'expired') : null,
    });
  });
  before(async () => {
    bench = await openBench();
    app = await bench.start({ RETENTION_DAYS: 3_650 });
    // While the tables are empty.
    const types = 'text, text, text, text, timestamptz, timestamptz, timestamptz, uuid, int';
    for (const [lead, { text }] of Object.entries(searchStatements))
      plans[lead] = await genericPlan(bench.test.database, text, types);
    await insertAuditEvents(
      bench.test.database,
      events.map((event) => ({ ...event, gateway: 'north', epoch })),
    );
  });
  after(() => bench.close());

  /** Analytics waits two seconds for its database and then says 503: on a machine that has stood still, it is asked again. */
  const ask = async <Body>(path: string, token: string | null): Promise<Answer<Body>> =>
    until(`an answer about ${path}`, async () => {
      const answer = await get<Body>(`${app.url}${path}`, token);
      return answer.status !== 503 && answer;
    });
  const search = async (query: string): Promise<Page> => {
    const { status, body } = await ask<Page>(`/audit${query}`, bench.operator);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const expected = (fits: (event: DeviceEvent) => boolean): string[] =>
    events
      .filter(fits)
      .toSorted((a, b) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1))
      .map(({ id }) => id);
  const ids = ({ items }: Page): string[] => items.map(({ id }) => id);

  const searches: [string, (event: DeviceEvent) => boolean][] = [
    ['', () => true],
    ['deviceId=mill-1', (event) => event.deviceId === 'mill-1'],
    ['claimedId=mill-1', (event) => event.claimedId === 'mill-1'],
    ['reason=expired', (event) => event.reason === 'expired'],
    ['kind=disposed', (event) => event.kind === 'disposed'],
    ['deviceId=mill-2&reason=expired', (event) => event.deviceId === 'mill-2' && event.reason === 'expired'],
    ['kind=rejected&reason=bad_signature', (event) => event.reason === 'bad_signature'],
    ['deviceId=nobody', () => false],
    [`from=${at(5)}&to=${at(9)}`, (event) => event.at >= at(5) && event.at < at(9)],
    [`deviceId=mill-3&from=${at(5)}`, (event) => event.deviceId === 'mill-3' && event.at >= at(5)],
  ];
  for (const [query, fits] of searches) {
    it(`is searched by ${query === '' ? 'nothing' : query.replaceAll(/T[^&]*/g, '')}, newest first, page by page`, async () => {
      assert.deepEqual(ids(await search(`?limit=200&${query}`)), expected(fits));
      const paged: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await search(`?limit=7&${query}${cursor === null ? '' : `&cursor=${cursor}`}`);
        assert.ok(page.items.length <= 7);
        paged.push(...ids(page));
        cursor = page.nextCursor;
      } while (cursor !== null);
      assert.deepEqual(paged, expected(fits));
    });
  }

  it('does not take what an unverified token claimed for the device of that name', async () => {
    const verified = await search('?deviceId=mill-1&limit=200');
    assert.ok(verified.items.length > 0);
    assert.ok(verified.items.every(({ claimedId }) => claimedId === null));
    const claimed = await search('?claimedId=mill-1&limit=200');
    assert.ok(claimed.items.every(({ deviceId, reason }) => deviceId === null && reason === 'bad_signature'));
  });

  it('is read by index and in its order, also by connections that planned while it was empty', () => {
    const index = {
      device_id: 'device_events_device',
      claimed_id: 'device_events_claimed',
      reason: 'device_events_reason',
      kind: 'device_events_kind',
      none: 'device_events_at',
    };
    for (const [lead, plan] of Object.entries(plans)) {
      assert.match(plan, new RegExp(`Index Scan Backward using ${index[lead as keyof typeof index]} `), plan);
      assert.doesNotMatch(plan, /Seq Scan|Sort|Bitmap/, plan);
      assert.match(plan, /Index Cond: .*ROW\(at, id\) < ROW/, plan);
    }
  });

  it('is for operators', async () => {
    for (const path of ['/audit', '/devices/mill-1/latest']) {
      assert.equal((await ask(path, null)).status, 401);
      assert.equal((await ask(path, bench.customer)).status, 403);
    }
  });

  it('refuses hostile input with the field named', async () => {
    const queries: [string, string][] = [
      ['deviceId=', 'deviceId'],
      ['deviceId=a%20b', 'deviceId'],
      ['deviceId=%00', 'deviceId'],
      ['deviceId=a&deviceId=b', 'deviceId'],
      [`claimedId=${'x'.repeat(65)}`, 'claimedId'],
      ['claimedId=a%00b', 'claimedId'],
      ['reason=%00', 'reason'],
      ['kind=deleted', 'kind'],
      ['from=yesterday', 'from'],
      ['from=2026-11-21T23:59:60Z', 'from'],
      ['to=0000-01-01T00:00:00Z', 'to'],
      ['limit=0', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1.5', 'limit'],
      ['cursor=x', 'cursor'],
      [`cursor=${Buffer.from(`9999-99-99T99:99:99.999Z ${epoch}`).toString('base64url')}`, 'cursor'],
      [`cursor=${Buffer.from(`infinity ${epoch}`).toString('base64url')}`, 'cursor'],
      ['everything=1', 'everything'],
    ];
    for (const [query, field] of queries) {
      const { status, body } = await ask(`/audit?${query}`, bench.operator);
      assert.deepEqual([status, body.field], [422, field], query);
    }
    const paths: [string, number][] = [
      ['/devices/%00/latest', 422],
      ['/devices/a%20b/latest', 422],
      ['/devices/nobody/latest', 404],
      ['/devices/nobody/latest?x=1', 422],
      [`/devices/${'x'.repeat(65)}/latest`, 422],
    ];
    for (const [path, status] of paths) assert.equal((await ask(path, bench.operator)).status, status, path);
    assert.equal((await search(`?claimedId=${encodeURIComponent(`' OR 1=1 --`)}`)).items.length, 0);
  });

  it('is kept for so many days, and so is the latest telemetry', async () => {
    const { database } = bench.test;
    const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
    const old = Array.from({ length: 2_500 }, () => ({ ...eventOf({ at: daysAgo(31) }), gateway: 'north', epoch }));
    const young = { ...eventOf({ at: daysAgo(29) }), gateway: 'north', epoch };
    await insertAuditEvents(database, [...old, young]);
    const frame = { sessionId: epoch, gateway: 'north', sentAt: '', readings: {} };
    await keepLatestFrames(database, [
      { ...frame, deviceId: 'old', receivedAt: daysAgo(31) },
      { ...frame, deviceId: 'young', receivedAt: daysAgo(29) },
    ]);
    const next = await bench.start({ RETENTION_DAYS: 30, INSTANCE: 'analytics-9' });
    const tooOld = `
      SELECT (SELECT count(*) FROM device_events WHERE at < now() - interval '30 days')
           + (SELECT count(*) FROM device_latest WHERE received_at < now() - interval '30 days') AS rows`;
    // What a sweep could not delete the next one does, a minute later.
    await until('the old rows to go', async () => Number((await database.query(tooOld))[0]?.['rows']) === 0, 150_000);
    await next.stop();
    const left = await database.query<{ id: string }>(
      `SELECT id FROM device_events WHERE at < now() - interval '28 days'`,
    );
    assert.deepEqual(
      left.filter(({ id }) => !events.some((event) => event.id === id)).map(({ id }) => id),
      [young.id],
    );
    assert.deepEqual(await database.query('SELECT device_id FROM device_latest'), [{ device_id: 'young' }]);
  });
});
