/** A device that comes again at another process of the gateway: its old session ends there, and never the new one. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { plantDefect, removeDefect } from '@ballast/faults';
import { createMessage, type Message } from '@ballast/messaging';
import { until, type TestPeer } from '@ballast/testing';
import { openLink, type Link } from '../proxy.ts';
import { deviceName, openBench, type Bench, type Device, type RunningGateway } from '../support.ts';

const sessionsOf = (...gateways: RunningGateway[]): number =>
  gateways.reduce((sum, { gateway }) => sum + gateway.sessions, 0);
const replacedAt = ({ counts }: RunningGateway): number =>
  counts.report({ gateway: 'g', epoch: '', seq: 1, at: '', last: false }).ended.replaced ?? 0;
/** Everything the gateways have counted agrees with what is open. */
const addUp = (...gateways: RunningGateway[]): void => {
  for (const { gateway, counts } of gateways) {
    const { ended } = counts.report({ gateway: 'g', epoch: '', seq: 1, at: '', last: false });
    const over = Object.values(ended).reduce((sum, count) => sum + count, 0);
    assert.deepEqual([counts.sessions, counts.accepted - over], [gateway.sessions, gateway.sessions]);
  }
};
/** It is in: what it says is answered. */
async function answers(device: Device): Promise<void> {
  const pongs = (): number => device.frames.filter(({ type }) => type === 'pong').length;
  const before = pongs();
  device.say({ type: 'ping' });
  await until('it is answered', () => pongs() > before);
}
/** Resolves when the sessions of these devices were told to all processes that listen. */
async function announced(bench: Bench, ...devices: Device[]): Promise<void> {
  let heard = '';
  for (const device of devices) {
    const { sessionId } = await device.heard('accepted');
    await until('it was told', async () => {
      for (const { content } of await bench.broker.messages('sessions')) heard += content.toString();
      return heard.includes(sessionId);
    });
  }
}
/** Messages refused so far, by both gateways: they share this process, and with it what is counted for all of it. */
async function refusedBy({ url }: RunningGateway): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    /^messages_consumed_total\{queue="tcp-gateway.sessions",outcome="refused".*\} (\d+)$/m.exec(text)?.[1] ?? 0,
  );
}
const told = (body: unknown): Message =>
  createMessage({ type: 'DeviceSessions', correlationId: randomUUIDv7(), body } as never);
const from = (items: unknown): unknown => ({ gateway: 'elsewhere', epoch: randomUUIDv7(), items });
/** Resolves when the gateways have heard of each other: a device that moves to and fro is replaced both ways. */
async function acquainted(one: RunningGateway, other: RunningGateway): Promise<void> {
  const name = deviceName();
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const old = await from.session(name);
    const next = await to.session(name);
    await old.closed();
    await next.end();
    await until('nothing is left', () => sessionsOf(one, other) === 0);
  }
}

describe('a device that comes again at another process', () => {
  let bench: Bench;
  let peer: TestPeer;
  let one: RunningGateway;
  let other: RunningGateway;
  before(async () => {
    bench = await openBench({ lab: true });
    await bench.broker.listen('sessions', ['DeviceSessions']);
    peer = await bench.broker.peer([]);
    one = await bench.start({ DEVICE_ATTEMPTS_BURST: 50 });
    other = await bench.start({ DEVICE_ATTEMPTS_BURST: 50 });
    await acquainted(one, other);
  });
  afterEach(() => until('all sessions are over', () => sessionsOf(one, other) === 0));
  after(() => bench.close());

  it('has its old session ended within a second, both ways, and the new one stays', async () => {
    const name = deviceName();
    let old = await one.session(name);
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const before = replacedAt(from);
      const next = await to.session(name);
      const began = performance.now();
      assert.equal((await old.heard('closing')).reason, 'replaced');
      assert.ok(performance.now() - began < 1_000);
      await old.closed();
      await answers(next);
      assert.deepEqual([from.gateway.sessions, to.gateway.sessions, replacedAt(from)], [0, 1, before + 1]);
      old = next;
    }
    await old.end();
  });

  it('fifty times over two processes has one session in the end, the last one', async () => {
    const name = deviceName();
    const before = replacedAt(one) + replacedAt(other);
    const devices: Device[] = [];
    for (let times = 0; times < 50; times += 1) {
      // Twice here, twice there: replaced within a process and across.
      const gateway = times % 4 < 2 ? one : other;
      devices.push(await gateway.session(name));
    }
    const last = devices.at(-1)!;
    await Promise.all(devices.slice(0, -1).map((device) => device.closed()));
    await answers(last);
    assert.equal(sessionsOf(one, other), 1);
    assert.equal(replacedAt(one) + replacedAt(other) - before, devices.length - 1);
    assert.ok(devices.slice(0, -1).every(({ frames }) => frames.at(-1)?.type === 'closing'));
    addUp(one, other);
    await last.end();
  });

  it('at both at the same moment keeps one of them, never none', async () => {
    for (let times = 0; times < 20; times += 1) {
      const name = deviceName();
      const devices = await Promise.all([one.session(name), other.session(name)]);
      await until('one of them is over', () => devices.some(({ gone }) => gone));
      const stays = devices.find(({ gone }) => !gone)!;
      await answers(stays);
      assert.equal(sessionsOf(one, other), 1);
      await stays.end();
      await until('both are over', () => sessionsOf(one, other) === 0);
    }
  });

  it('is left alone by news of older sessions, and the teller of them is told of the newer one', async () => {
    const deviceId = deviceName();
    const old = randomUUIDv7();
    const device = await one.session(deviceId);
    // The first time it was told of itself.
    await announced(bench, device);
    await peer.say(told(from([{ deviceId, sessionId: old }])));
    await announced(bench, device);
    await answers(device);
    assert.deepEqual([one.gateway.sessions, device.gone], [1, false]);
    await device.end();
  });

  it('is left alone by news that nobody can read, which is said in the log', async () => {
    const deviceId = deviceName();
    const device = await one.session(deviceId);
    const before = await refusedBy(one);
    const good = { deviceId, sessionId: 'ffffffff-ffff-7fff-bfff-ffffffffffff' };
    for (const body of [
      null,
      from([]),
      from([{ ...good, sessionId: 'ffffffff-ffff-4fff-bfff-ffffffffffff' }]),
      from([{ ...good, sessionId: 'the last' }]),
      from([{ ...good, deviceId: 'a b' }]),
      from([{ ...good, more: true }]),
      from(Array.from({ length: 501 }, () => good)),
      { ...(from([good]) as object), epoch: 'now' },
    ]) {
      await peer.say(told(body));
    }
    await peer.say({ ...told(from([good])), version: 2 });
    await until('all were refused', async () => (await refusedBy(one)) === before + 2 * 9);
    const complaints = () => one.complaints.filter(({ message }) => /what was heard of other gateways/.test(message));
    assert.ok(complaints().length > 0);
    await answers(device);
    assert.equal(device.gone, false);
    // The very next one that can be read is heard.
    await peer.say(told(from([good])));
    assert.equal((await device.heard('closing')).reason, 'replaced');
    await device.closed();
  });

  it('would keep both sessions if nobody listened to other processes', async () => {
    plantDefect('gateway.keeps-elsewhere');
    try {
      const name = deviceName();
      const old = await one.session(name);
      const next = await other.session(name);
      await announced(bench, next);
      // News is heard in its order: after this one all before it has been.
      const before = await refusedBy(one);
      await peer.say(told(null));
      await until('it was heard', async () => (await refusedBy(one)) === before + 2);
      await answers(old);
      await answers(next);
      assert.equal(sessionsOf(one, other), 2);
      await Promise.all([old.end(), next.end()]);
    } finally {
      removeDefect('gateway.keeps-elsewhere');
    }
  });
});

describe('a device that comes again at another process while the broker is away', () => {
  let bench: Bench;
  const links: Link[] = [];
  let one: RunningGateway;
  let other: RunningGateway;
  before(async () => {
    bench = await openBench({ lab: true });
    await bench.broker.listen('sessions', ['DeviceSessions']);
    const settings = [];
    for (let count = 0; count < 2; count += 1) {
      const address = new URL(bench.broker.url);
      const link = await openLink(Number(address.port));
      address.port = String(link.port);
      address.hostname = '127.0.0.1';
      links.push(link);
      settings.push({ AMQP_URL: address.href });
    }
    one = await bench.start(settings[0]);
    other = await bench.start(settings[1]);
    await acquainted(one, other);
  });
  after(async () => {
    await bench.close();
    for (const link of links) await link.close();
  });

  for (const [which, where] of [
    ['for both', [0, 1]],
    ['for the old process', [0]],
    ['for the new process', [1]],
  ] as const) {
    it(`(${which}) is let in all the same, and its old session ends once the broker is back`, async () => {
      const names = Array.from({ length: 20 }, deviceName);
      const old = await Promise.all(names.map((name) => one.session(name)));
      for (const link of where) links[link]!.cut();
      const next = await Promise.all(names.map((name) => other.session(name)));
      await Promise.all([...old, ...next].map(answers));
      assert.deepEqual([one.gateway.sessions, other.gateway.sessions], [20, 20]);
      // Where the new process is connected it tells of them now, and the old one cannot hear it.
      if (which === 'for the old process') await announced(bench, ...next);
      for (const link of where) links[link]!.restore();
      for (const device of old) assert.equal((await device.heard('closing')).reason, 'replaced');
      await Promise.all(old.map((device) => device.closed()));
      for (const device of next) {
        assert.ok(!device.gone);
        await device.end();
      }
      await until('all are gone', () => sessionsOf(one, other) === 0);
      addUp(one, other);
    });
  }
});
