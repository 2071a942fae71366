/** What happens while a token is being judged, and while identity is away. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { arm, disarm } from '@ballast/faults';
import { until } from '@ballast/testing';
import { deviceName, openBench, type Bench, type Device, type RunningGateway } from '../support.ts';

describe('a token that is being judged', () => {
  let bench: Bench;
  let gateway: RunningGateway;
  before(async () => {
    bench = await openBench({ lab: true });
    gateway = await bench.start({ MAX_UNAUTHENTICATED: 3 });
  });
  afterEach(() => disarm());
  after(() => bench.close());

  /** Shows a token that will not be judged before `disarm`. */
  async function held(token: string): Promise<Device> {
    arm({
      point: 'gateway.before-judgement',
      action: 'delay',
      milliseconds: 60_000,
      skip: 0,
      times: Number.POSITIVE_INFINITY,
    });
    const { attempts } = gateway.counts;
    const device = await gateway.device();
    device.say({ type: 'auth', token });
    await until('it is being judged', () => gateway.counts.attempts === attempts + 1);
    return device;
  }
  const ended = () => gateway.counts.report({ gateway: 'g', epoch: '', seq: 1, at: '', last: false }).ended;

  it('is not read past: what its device sends meanwhile is answered afterwards', async () => {
    const device = await held(bench.token());
    device.say({ type: 'ping' });
    disarm();
    await device.heard('pong');
    assert.deepEqual(
      device.frames.map(({ type }) => type),
      ['accepted', 'pong'],
    );
    await device.end();
    await until('it is gone', () => gateway.counts.connections === 0);
  });

  it('counts as one of those nobody knows', async () => {
    const devices = [await held(bench.token()), await held(bench.token()), await held(bench.token())];
    const more = await gateway.device();
    assert.equal((await more.heard('rejected')).reason, 'over_capacity');
    disarm();
    for (const device of devices) {
      await device.heard('accepted');
      await device.end();
    }
    await until('all are gone', () => gateway.counts.connections === 0);
    assert.equal(gateway.gateway.unauthenticated, 0);
  });

  it('whose device hangs up is counted all the same, and its other session is left alone', async () => {
    const name = deviceName();
    const inside = await gateway.session(name);
    const before = { accepted: gateway.counts.accepted, gone: ended().gone ?? 0 };
    const device = await held(bench.token(name));
    device.socket.resetAndDestroy();
    await device.closed();
    disarm();
    await until('it was judged', () => gateway.counts.accepted === before.accepted + 1);
    await until('one connection is left', () => gateway.counts.connections === 1);
    // The reset may be read before the verdict or after it; after it the session was replaced by one that is gone.
    if (!inside.frames.some(({ type }) => type === 'closing')) {
      inside.say({ type: 'ping' });
      await inside.heard('pong');
    }
    await inside.end();
    await until('both ends are counted', () => (ended().gone ?? 0) + (ended().replaced ?? 0) >= before.gone + 2);
    assert.deepEqual([gateway.counts.sessions, gateway.gateway.sessions], [0, 0]);
  });
});

describe('identity’s absence', () => {
  it('keeps nobody out whose key is known, and ends no session', async () => {
    const bench = await openBench();
    const gateway = await bench.start();
    const inside = await gateway.session();
    const tokens = [bench.token(), bench.token(undefined, {}, { kid: 'new' })];
    await bench.identity.close();
    const [known, unknown] = await Promise.all(
      tokens.map(async (token) => {
        const device = await gateway.device();
        device.say({ type: 'auth', token });
        return until('an answer', () => device.frames[0]);
      }),
    );
    assert.deepEqual([known!.type, unknown], ['accepted', { type: 'rejected', reason: 'unknown_key' }]);
    inside.say({ type: 'ping' });
    await inside.heard('pong');
    assert.ok((await fetch(`${gateway.url}/readyz`)).ok);
    await gateway.stop();
    await bench.broker.clean([]);
  });
});
