/** What the mesh is told, also where the broker is slow, frozen or gone; and that devices notice nothing of it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { plantDefect, removeDefect } from '@ballast/faults';
import { tokenSigner, until } from '@ballast/testing';
import { openLink, type Link } from '../proxy.ts';
import { deviceName, openBench, telemetry, type Bench, type Device, type RunningGateway } from '../support.ts';

describe('what a gateway tells', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());

  it('is every frame in its order, every beginning and end, and counts that add up; the last report says so', async () => {
    const gateway = await bench.start();
    const [name, liar] = [deviceName(), deviceName()];
    const device = await gateway.session(name);
    const { sessionId } = await device.heard('accepted');
    const frames = 3_000;
    device.say(...Array.from({ length: frames }, (_, at) => telemetry({ at, ok: true, text: 'ü' })));
    for (const token of [
      bench.token(name, { exp: 1 }),
      tokenSigner().sign({ sub: liar }, { typ: 'device+jwt' }),
      bench.token('a b', {}),
    ]) {
      const other = await gateway.device();
      other.say({ type: 'auth', token });
      await other.closed();
    }
    await until('all was received', () => gateway.counts.telemetry.received === frames);
    await device.end();
    await gateway.stop();
    const told = await until('the last report', async () => {
      const all = await bench.told();
      return all.reports.some(({ last }) => last) ? all : null;
    });

    assert.deepEqual(
      told.telemetry.map(({ readings }) => readings['at']),
      Array.from({ length: frames }, (_, at) => at),
    );
    assert.ok(told.telemetry.every((item) => item.deviceId === name && item.sessionId === sessionId));
    const seen = told.events.map(({ kind, deviceId, claimedId, reason }) => [kind, deviceId, claimedId, reason]);
    assert.deepEqual(seen, [
      ['authenticated', name, null, null],
      ['rejected', name, null, 'expired'],
      ['rejected', null, liar, 'bad_signature'],
      ['rejected', null, null, 'missing_claim'],
      ['disposed', name, null, 'gone'],
    ]);
    assert.equal(new Set(told.ids).size, told.ids.length);
    assert.deepEqual(
      told.reports.map(({ seq }) => seq),
      told.reports.map((_, index) => index + 1),
    );
    const last = told.reports.at(-1)!;
    assert.deepEqual(last, {
      at: last.at,
      epoch: last.epoch,
      seq: last.seq,
      gateway: 'gateway-1',
      connections: 0,
      sessions: 0,
      attempts: 4,
      accepted: 1,
      rejected: [
        { reason: 'expired', deviceId: name, count: 1 },
        { reason: 'bad_signature', deviceId: null, count: 1 },
        { reason: 'missing_claim', deviceId: null, count: 1 },
      ],
      ended: { gone: 1 },
      telemetry: { received: frames, told: frames, dropped: 0 },
      events: { told: 5, dropped: 0 },
      last: true,
    });
    assert.deepEqual(gateway.complaints, []);
  });

  it('names a hundred devices in its counts of rejections, and no more', async () => {
    const gateway = await bench.start();
    for (let count = 0; count < 105; count += 1) {
      const device = await gateway.device();
      device.say({ type: 'auth', token: bench.token(`many-${count}`, { exp: 1 }) });
      await device.closed();
    }
    const { rejected } = gateway.counts.report({ gateway: 'g', epoch: '', seq: 1, at: '', last: false });
    assert.equal(rejected.length, 101);
    assert.deepEqual(
      rejected.filter(({ deviceId }) => deviceId === null),
      [{ reason: 'expired', deviceId: null, count: 5 }],
    );
    await gateway.stop();
  });
});

describe('a broker that is away', () => {
  let bench: Bench;
  let link: Link;
  let url: string;
  before(async () => {
    bench = await openBench({ lab: true });
    const address = new URL(bench.broker.url);
    link = await openLink(Number(address.port));
    address.port = String(link.port);
    address.hostname = '127.0.0.1';
    url = address.href;
  });
  after(async () => {
    await bench.close();
    await link.close();
  });

  const small = { TELEMETRY_QUEUE_ITEMS: 1_000, EVENT_QUEUE_ITEMS: 50 };
  /** Nothing is lost between what came, what was told, and what was dropped. */
  const adds = ({ counts }: RunningGateway): boolean =>
    counts.telemetry.received === counts.telemetry.told + counts.telemetry.dropped;

  /** How long a new device takes to get in and its ping to be answered, in ms: the slowest of some. */
  async function slowest(gateway: RunningGateway): Promise<number> {
    let worst = 0;
    for (let times = 0; times < 20; times += 1) {
      const began = performance.now();
      const device = await gateway.session();
      device.say({ type: 'ping' });
      await device.heard('pong');
      worst = Math.max(worst, performance.now() - began);
      await device.end();
    }
    return worst;
  }
  const send = async (device: Device, gateway: RunningGateway, frames: number): Promise<void> => {
    const before = gateway.counts.telemetry.received;
    device.say(...Array.from({ length: frames }, (_, at) => telemetry({ at })));
    await until('all was received', () => gateway.counts.telemetry.received === before + frames);
  };

  it('at the start keeps nobody out, and is told everything once it is there', async () => {
    link.cut();
    const gateway = await bench.start({ AMQP_URL: url });
    assert.ok((await fetch(`${gateway.url}/readyz`)).ok);
    const device = await gateway.session();
    await send(device, gateway, 700);
    link.restore();
    await until('all was told', () => gateway.counts.telemetry.told === 700);
    await device.end();
    await gateway.stop();
    assert.ok(adds(gateway));
  });

  for (const how of ['freeze', 'cut'] as const) {
    it(`in the middle (${how}) changes nothing for devices, and what does not fit is counted`, async () => {
      const gateway = await bench.start({ AMQP_URL: url, ...small });
      const device = await gateway.session();
      await send(device, gateway, 100);
      await until('all was told', () => gateway.counts.telemetry.told === 100);
      link[how]();
      for (let rounds = 0; rounds < 8; rounds += 1) await send(device, gateway, 1_000);
      assert.ok((await slowest(gateway)) < 1_000);
      const { received, told, dropped } = gateway.counts.telemetry;
      assert.equal(received, 8_100);
      assert.equal(told, 100);
      // In the ring a thousand, on their way at most eight batches.
      assert.ok(dropped >= 8_000 - 1_000 - 8 * 500 && dropped <= 7_000, `${dropped}`);
      link.thaw();
      link.restore();
      await until('the rest was told', () => adds(gateway), 60_000);
      assert.ok(gateway.counts.telemetry.told > 1_000);
      await device.end();
      await gateway.stop();
      const reports = (await bench.told()).reports.filter((report) => report.gateway === gateway.name);
      assert.deepEqual(reports.at(-1)!.telemetry, gateway.counts.telemetry);
    });
  }

  it('would lose frames without a trace if what is dropped were not counted', async () => {
    plantDefect('gateway.uncounted-drops');
    try {
      const gateway = await bench.start({ AMQP_URL: url, ...small });
      const device = await gateway.session();
      await send(device, gateway, 100);
      await until('all was told', () => gateway.counts.telemetry.told === 100);
      link.cut();
      for (let rounds = 0; rounds < 8; rounds += 1) await send(device, gateway, 1_000);
      link.restore();
      await device.end();
      await gateway.stop();
      assert.equal(adds(gateway), false);
    } finally {
      removeDefect('gateway.uncounted-drops');
    }
  });

  it('at the end does not hold it up: what is left is counted as dropped', async () => {
    const gateway = await bench.start({ AMQP_URL: url });
    const device = await gateway.session();
    await send(device, gateway, 10);
    await until('all was told', () => gateway.counts.telemetry.told === 10);
    link.freeze();
    await send(device, gateway, 600);
    const began = performance.now();
    await gateway.stop();
    assert.ok(performance.now() - began < 9_000);
    assert.deepEqual(gateway.counts.telemetry, { received: 610, told: 10, dropped: 600 });
    assert.equal((await device.heard('closing')).reason, 'shutdown');
    link.thaw();
  });
});
