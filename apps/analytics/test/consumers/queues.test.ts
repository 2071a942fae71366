/** Analytics whole, on a real broker: what gateways say comes to metrics and rows through repetition, restarts and poison. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { DeviceEvent, DeviceTelemetry } from '@ballast/contracts';
import { until, type RunningApp } from '@ballast/testing';
import { eventOf, get, messageOf, newEpoch, openBench, queues, reportOf, scrape, type Bench } from '../support.ts';

describe('analytics', () => {
  let bench: Bench;
  let app: RunningApp;
  let now = 0;
  before(async () => {
    bench = await openBench();
    app = await bench.start({}, () => now);
  });
  after(() => bench.close());

  const counted = (changes: Parameters<typeof reportOf>[0]) => messageOf('GatewayCounted', reportOf(changes));
  const shows = (name: string, value: number, of = app) =>
    until(`${name} to be ${value}`, async () => (await scrape(of.url)).get(name) === value);
  const deadLetters = async () =>
    (await Promise.all(queues.map((queue) => bench.broker.messages(`${queue}.dead`)))).flat().length;

  it('shows what gateways report, once, with the sum of what they have open', async () => {
    const [one, two] = [newEpoch(), newEpoch()];
    const first = counted({
      gateway: 'north',
      epoch: one,
      connections: 5,
      sessions: 4,
      attempts: 9,
      accepted: 4,
      rejected: [
        { reason: 'expired', deviceId: 'mill-7', count: 3 },
        { reason: 'malformed', deviceId: null, count: 1 },
      ],
      ended: { gone: 2, replaced: 1 },
      telemetry: { received: 30, told: 20, dropped: 10 },
      events: { told: 6, dropped: 1 },
    });
    await bench.say(
      first,
      first,
      counted({ gateway: 'south', epoch: two, connections: 2, sessions: 2, attempts: 2, accepted: 2 }),
    );
    await shows('auth_attempts_total', 11);
    const series = await scrape(app.url);
    const expected: [string, number][] = [
      ['active_connections_total', 7],
      ['active_sessions', 6],
      ['live_gateways', 2],
      ['auth_success_total', 6],
      ['auth_failures_total{device_id="mill-7",reason="expired"}', 3],
      ['auth_failures_total{device_id="other",reason="malformed"}', 1],
      ['auth_failures_total{device_id="other",reason="revoked"}', 0],
      ['gateway_auth_attempts_total{gateway="north"}', 9],
      ['gateway_auth_attempts_total{gateway="south"}', 2],
      ['device_sessions_ended_total{reason="gone"}', 2],
      ['device_telemetry_total{outcome="received"}', 30],
      ['device_telemetry_total{outcome="dropped"}', 10],
      ['device_events_total{outcome="dropped"}', 1],
    ];
    for (const [name, value] of expected) assert.equal(series.get(name), value, name);
    assert.ok(series.get('analytics_lag_seconds{type="GatewayCounted"}')! < 60);
  });

  it('lets a killed gateway’s connections go ten seconds after its last word, and comes right with its next life', async () => {
    const before = (await scrape(app.url)).get('active_connections_total')!;
    const killed = newEpoch();
    const report = { gateway: 'west', epoch: killed, seq: 8, connections: 2_000, sessions: 2_000, attempts: 2_000 };
    await bench.say(counted(report));
    await shows('active_connections_total', before + 2_000);
    now += 10_001;
    await shows('active_connections_total', 0);
    // What the broker delivers once more is no sign of life; a later report, told after it, has been dealt with then.
    await bench.say(counted(report));
    const reborn = newEpoch();
    await bench.say(counted({ gateway: 'west', epoch: reborn, connections: 3, sessions: 3, attempts: 3 }));
    await shows('active_connections_total', 3);
    await bench.say(counted({ gateway: 'west', epoch: reborn, seq: 2, attempts: 3, last: true }));
    await shows('active_connections_total', 0);
    await shows('gateway_auth_attempts_total{gateway="west"}', 2_003);
  });

  it('goes on after a restart where it was, with what was said meanwhile, and never goes back', async () => {
    const epoch = newEpoch();
    await bench.say(counted({ gateway: 'east', epoch, seq: 1, attempts: 10 }));
    await shows('gateway_auth_attempts_total{gateway="east"}', 10);
    const total = (await scrape(app.url)).get('auth_attempts_total')!;
    const running = (async () => {
      for (let seq = 2; seq <= 200; seq += 1)
        await bench.say(counted({ gateway: 'east', epoch, seq, attempts: 10 * seq }));
    })();
    await app.stop();
    app = await bench.start({}, () => now);
    assert.ok((await scrape(app.url)).get('auth_attempts_total')! >= total);
    await running;
    await shows('gateway_auth_attempts_total{gateway="east"}', 2_000);
    assert.equal((await scrape(app.url)).get('auth_attempts_total'), total + 1_990);
  });

  const events = async (): Promise<DeviceEvent[]> =>
    (await get<{ items: DeviceEvent[] }>(`${app.url}/audit?limit=200`, bench.operator)).body.items;

  it('stores an event once, however often it is told', async () => {
    const epoch = newEpoch();
    const items = Array.from({ length: 20 }, () => eventOf({ deviceId: 'mill-7', reason: 'expired' }));
    const message = messageOf('DeviceEvents', { gateway: 'north', epoch, items } as { epoch: string });
    const again = messageOf('DeviceEvents', {
      gateway: 'north',
      epoch,
      items: [...items.slice(10), eventOf({ kind: 'authenticated', reason: null, deviceId: 'mill-8' })],
    } as { epoch: string });
    await bench.say(message, message, again, message);
    await until('the events are there', async () => (await events()).length === 21);
    await shows('analytics_events_stored_total', 21);
    const found = (await events()).find(({ id }) => id === items[0]!.id);
    assert.deepEqual(found, { ...items[0], gateway: 'north' });
  });

  const frame = (changes: Partial<DeviceTelemetry['items'][number]>): DeviceTelemetry['items'][number] => ({
    deviceId: 'mill-7',
    sessionId: randomUUIDv7(),
    receivedAt: '2026-11-21T10:00:00.000Z',
    sentAt: '2026-11-21T09:59:59.000Z',
    readings: { rpm: 1 },
    ...changes,
  });
  const tell = (...items: DeviceTelemetry['items']) =>
    bench.say(messageOf('DeviceTelemetry', { gateway: 'north', epoch: newEpoch(), items } as { epoch: string }));
  const latest = (deviceId: string) =>
    get<DeviceTelemetry['items'][number] & { gateway: string }>(
      `${app.url}/devices/${deviceId}/latest`,
      bench.operator,
    );

  it('keeps the latest frame of each device, in whatever order they come', async () => {
    const newest = frame({ receivedAt: '2026-11-21T10:00:02.000Z', readings: { rpm: 3, state: 'on', ok: true } });
    await tell(frame({}), newest, frame({ receivedAt: '2026-11-21T10:00:01.000Z' }));
    await until('the frame', async () => (await latest('mill-7')).status === 200);
    await tell(frame({ receivedAt: '2026-11-21T10:00:01.500Z' }), frame({ deviceId: 'mill-9' }));
    await until('the other device’s', async () => (await latest('mill-9')).status === 200);
    assert.deepEqual((await latest('mill-7')).body, { ...newest, gateway: 'north' });
    await shows('analytics_frames_heard_total', 5);
  });

  it('takes what devices say for what it is: text that no database can hold, times that no calendar knows', async () => {
    await tell(
      frame({
        deviceId: 'odd',
        sentAt: '0000-01-01T00:00:00Z',
        readings: { name: 'a\u0000b\ud800c', 'x.y': '"; DROP TABLE device_latest; --', constructor: 1e308 },
      }),
    );
    await until('the frame', async () => (await latest('odd')).status === 200);
    const { body } = await latest('odd');
    assert.equal(body.sentAt, '0000-01-01T00:00:00Z');
    assert.equal(body.readings['name'], 'a\ufffdb\ufffdc');
    assert.equal(body.readings['constructor'], 1e308);
    const event = eventOf({ claimedId: `\u0000\udfff' OR 1=1 --`, remoteAddress: '::1' });
    await bench.say(
      messageOf('DeviceEvents', { gateway: 'north', epoch: newEpoch(), items: [event] } as { epoch: string }),
    );
    await until('the event', async () =>
      (await events()).some(({ id, claimedId }) => id === event.id && claimedId === `\ufffd\ufffd' OR 1=1 --`),
    );
  });

  it('makes no series of what it does not know', async () => {
    const report = reportOf({ gateway: 'newer', epoch: newEpoch(), attempts: 1 });
    const ended = { gone: 1, bored: 2, tired: 3 };
    const telemetry = { ...report.telemetry, lost: 5 };
    await bench.say(messageOf('GatewayCounted', { ...report, ended, telemetry } as { epoch: string }));
    await shows('gateway_auth_attempts_total{gateway="newer"}', 1);
    const series = await scrape(app.url);
    assert.equal(series.get('device_sessions_ended_total{reason="other"}'), 5);
    for (const name of series.keys()) assert.doesNotMatch(name, /bored|tired|lost/);
  });

  it('puts poison aside at once, and goes on', async () => {
    const before = (await scrape(app.url)).get('auth_attempts_total')!;
    assert.equal(await deadLetters(), 0);
    const epoch = newEpoch();
    const good = reportOf({ gateway: 'poison', epoch, attempts: 1 });
    const hostile: [string, unknown][] = [
      ['analytics.counts', 'no JSON'],
      ['analytics.counts', JSON.stringify({ id: 1 })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, attempts: -1 } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, attempts: 1.5 } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, attempts: 1e300 } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, seq: 2 ** 53 } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, extra: 1 } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, gateway: 'A b' } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', reportOf({ ...good, ended: { gone: 2 ** 52, idle: 2 ** 52 } }))],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, ended: { bored: -1 } } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, ended: { bored: 'x' } } as { epoch: string })],
      ['analytics.counts', messageOf('GatewayCounted', { ...good, epoch: crypto.randomUUID() })],
      [
        'analytics.counts',
        messageOf('GatewayCounted', {
          ...good,
          rejected: [{ reason: 'expired', deviceId: 'no device', count: 1 }],
        } as { epoch: string }),
      ],
      [
        'analytics.counts',
        messageOf('GatewayCounted', {
          ...good,
          rejected: Array.from({ length: 2 }, () => ({ reason: 'expired', deviceId: null, count: 2 ** 53 - 1 })),
        } as { epoch: string }),
      ],
      ['analytics.counts', messageOf('DeviceEvents', { gateway: 'a', epoch, items: [eventOf()] } as { epoch: string })],
      ['analytics.events', messageOf('DeviceEvents', { gateway: 'a', epoch, items: [] } as { epoch: string })],
      [
        'analytics.events',
        messageOf('DeviceEvents', { gateway: 'a', epoch, items: [eventOf({ at: 'yesterday' })] } as { epoch: string }),
      ],
      [
        'analytics.events',
        messageOf('DeviceEvents', { gateway: 'a', epoch, items: [eventOf({ at: '0000-01-01T00:00:00Z' })] } as {
          epoch: string;
        }),
      ],
      [
        'analytics.telemetry',
        messageOf('DeviceTelemetry', {
          gateway: 'a',
          epoch,
          items: [frame({ readings: { 'not a name': 1 } })],
        } as { epoch: string }),
      ],
    ];
    for (const [queue, content] of hostile) {
      await bench.broker.inject(queue, typeof content === 'string' ? content : JSON.stringify(content));
    }
    // One that is fine comes through beside them.
    await bench.say(messageOf('GatewayCounted', good));
    await shows('gateway_auth_attempts_total{gateway="poison"}', 1);
    let dead = 0;
    await until('all of them are dead letters', async () => {
      dead += await deadLetters();
      return dead === hostile.length;
    });
    assert.equal((await scrape(app.url)).get('auth_attempts_total'), before + 1);
  });

  it('comes through all this with few series and nothing to complain about but what it put aside', async () => {
    const series = await scrape(app.url);
    assert.ok(series.size <= 500, `${series.size} series`);
    const kinds = new Set(app.complaints.map(({ message }) => message));
    assert.deepEqual([...kinds], ['a message was dead-lettered']);
  });
});
