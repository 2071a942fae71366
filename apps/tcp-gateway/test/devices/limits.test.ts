/** What silent, slow, many and greedy connections come to. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import { deviceName, openBench, type Bench, type Device, type RunningGateway } from '../support.ts';

describe('a connection', () => {
  let bench: Bench;
  let gateway: RunningGateway | undefined;
  before(async () => {
    bench = await openBench();
  });
  afterEach(() => gateway?.stop());
  after(() => bench.close());

  const closing = async (device: Device): Promise<string> => {
    const { reason } = await device.heard('closing');
    await device.closed();
    return reason;
  };
  const rejection = async (device: Device): Promise<string> => {
    const { reason } = await device.heard('rejected');
    await device.closed();
    return reason;
  };

  it('that stays silent, or drips, is told auth_timeout when its time is over', async () => {
    gateway = await bench.start({ AUTH_DEADLINE_MS: 700 });
    const began = performance.now();
    const [silent, dripping] = [await gateway.device(), await gateway.device()];
    const drip = setInterval(() => dripping.socket.writable && dripping.socket.write(' '), 20);
    assert.deepEqual([await rejection(silent), await rejection(dripping)], ['auth_timeout', 'auth_timeout']);
    clearInterval(drip);
    const took = performance.now() - began;
    assert.ok(took >= 700 && took < 5_000, `${took} ms`);
  });

  it('from which nothing comes any more is told idle; one that pings stays, one that drips does not', async () => {
    gateway = await bench.start({ HEARTBEAT_SECONDS: 1 });
    const [silent, pinging, dripping] = [await gateway.session(), await gateway.session(), await gateway.session()];
    const ping = setInterval(() => {
      pinging.say({ type: 'ping' });
      if (dripping.socket.writable) dripping.socket.write(' ');
    }, 100);
    assert.deepEqual([await closing(silent), await closing(dripping)], ['idle', 'idle']);
    assert.equal(
      pinging.frames.some(({ type }) => type === 'closing'),
      false,
    );
    clearInterval(ping);
    assert.equal(await closing(pinging), 'idle');
  });

  it('above the limit in all is told over_capacity, and there is room again when one has gone', async () => {
    gateway = await bench.start({ MAX_CONNECTIONS: 2 });
    const [one] = [await gateway.session(), await gateway.session()];
    assert.equal(await rejection(await gateway.device()), 'over_capacity');
    await one.end();
    await until('there is room', () => gateway!.counts.connections === 1);
    await gateway.session();
  });

  it('above the limit of its address, or of those nobody knows, is told over_capacity', async () => {
    gateway = await bench.start({ MAX_CONNECTIONS_PER_ADDRESS: 2 });
    await Promise.all([gateway.session(), gateway.session()]);
    assert.equal(await rejection(await gateway.device()), 'over_capacity');
    await gateway.stop();

    gateway = await bench.start({ MAX_UNAUTHENTICATED: 2, AUTH_DEADLINE_MS: 60_000 });
    const unknown = [await gateway.device(), await gateway.device()];
    await until('both are there', () => gateway!.gateway.unauthenticated === 2);
    assert.equal(await rejection(await gateway.device()), 'over_capacity');
    unknown[0]!.say({ type: 'auth', token: bench.token() });
    await unknown[0]!.heard('accepted');
    await gateway.session();
  });

  it('of a flood is counted, told or cut, and those that are in notice nothing', async () => {
    gateway = await bench.start({ MAX_CONNECTIONS: 5, AUTH_DEADLINE_MS: 60_000 });
    const running = gateway;
    const inside = await gateway.session();
    const flood = await Promise.all(Array.from({ length: 600 }, () => running.device().catch(() => null)));
    inside.say({ type: 'ping' });
    await inside.heard('pong');
    await until('the refused are gone', () => flood.filter((device) => device?.gone === false).length === 4);
    await until('all were counted', () => running.counts.rejected === 596);
    const told = flood.filter((device) => device?.frames.some(({ type }) => type === 'rejected')).length;
    assert.ok(told >= 1 && told <= 596, `${told}`);
    assert.deepEqual([running.counts.attempts, running.counts.connections], [597, 5]);
  });

  it('of a device that comes too often is told over_capacity, however good its token', async () => {
    gateway = await bench.start({ DEVICE_ATTEMPTS_BURST: 3, DEVICE_ATTEMPTS_PER_MINUTE: 1 });
    const name = deviceName();
    for (let times = 0; times < 3; times += 1) await gateway.session(name);
    const again = await gateway.device();
    again.say({ type: 'auth', token: bench.token(name) });
    assert.equal(await rejection(again), 'over_capacity');
    await gateway.session(deviceName());
  });

  it('that does not read what it is sent is not read from, and closed when that goes on', async () => {
    gateway = await bench.start({ STALL_LIMIT_MS: 500 });
    const running = gateway;
    const greedy = await gateway.session();
    greedy.socket.pause();
    const pings = '{"type":"ping"}\n'.repeat(4_096);
    const ended = (): unknown => report(running).ended.overload;
    // As long as the gateway takes them; what it does not take waits here.
    while (ended() === undefined && greedy.socket.writableLength < 64 * 1_048_576) {
      greedy.socket.write(pings);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('it is closed', () => ended() === 1);
    await until('its socket is gone', () => running.counts.connections === 0);
    await greedy.end();
  });

  it('that reads again in time gets everything', async () => {
    gateway = await bench.start({ STALL_LIMIT_MS: 60_000 });
    const slow = await gateway.session();
    slow.socket.pause();
    slow.socket.removeAllListeners('data');
    const pings = '{"type":"ping"}\n'.repeat(4_096);
    let sent = 0;
    // Until the gateway takes no more of them.
    while (slow.socket.writableLength < 4 * 1_048_576) {
      slow.socket.write(pings);
      sent += pings.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    let received = 0;
    slow.socket.on('data', (text: string) => {
      received += text.length;
    });
    slow.socket.resume();
    // A pong is as long as a ping.
    await until('all pongs', () => received >= sent);
    assert.equal(received, sent);
    await slow.end();
  });

  it('is not let in while identity has never been heard, and is told to come later', async () => {
    gateway = await bench.start({ IDENTITY_ADDRESS: 'http://127.0.0.1:9' });
    const device = await gateway.device();
    device.say({ type: 'auth', token: bench.token() });
    assert.equal(await rejection(device), 'over_capacity');
    const ready = await fetch(`${gateway.url}/readyz`);
    assert.equal(ready.status, 503);
    assert.deepEqual(Object.keys(((await ready.json()) as { failing: object }).failing), ['identity']);
  });

  const report = (running: RunningGateway) =>
    running.counts.report({ gateway: 'g', epoch: '', seq: 1, at: '', last: false });
});
