/** TLS, and certificates of devices, where they are configured. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { connect, type ConnectionOptions } from 'node:tls';
import { until } from '@ballast/testing';
import { generate } from 'selfsigned';
import { Device, openBench, type Bench, type RunningGateway } from '../support.ts';

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-tls-'));
  const file = (name: string): string => join(folder, name);
  const make = async (name: string, authority?: string): Promise<void> => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'basicConstraints', cA: authority === undefined, critical: true }],
      ...(authority === undefined
        ? {}
        : {
            ca: {
              key: readFileSync(file(`${authority}.key`), 'utf8'),
              cert: readFileSync(file(`${authority}.pem`), 'utf8'),
            },
          }),
    });
    writeFileSync(file(`${name}.key`), key);
    writeFileSync(file(`${name}.pem`), cert);
  };
  let bench: Bench;
  let gateway: RunningGateway | undefined;
  before(async () => {
    for (const authority of ['authority', 'stranger']) await make(authority);
    await make('gateway', 'authority');
    await make('device', 'authority');
    await make('other', 'stranger');
    bench = await openBench();
  });
  afterEach(() => gateway?.stop());
  after(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  const start = (settings: { TLS_CLIENT_CA?: string } = {}): Promise<RunningGateway> =>
    bench.start({ TLS_CERT: file('gateway.pem'), TLS_KEY: file('gateway.key'), ...settings });
  const credentials = (name: string): ConnectionOptions => ({
    cert: readFileSync(file(`${name}.pem`)),
    key: readFileSync(file(`${name}.key`)),
  });
  function device(options: ConnectionOptions = {}): Device {
    const socket = connect({
      port: gateway!.port,
      host: '127.0.0.1',
      ca: readFileSync(file('authority.pem')),
      checkServerIdentity: () => undefined,
      ...options,
    });
    const made = new Device(socket);
    made.say({ type: 'auth', token: bench.token() });
    return made;
  }

  it('carries a session as a bare socket does', async () => {
    gateway = await start();
    const inside = device();
    await inside.heard('accepted');
    inside.say({ type: 'ping' });
    await inside.heard('pong');
    assert.equal(gateway.counts.connections, 1);
    await inside.end();
    await until('it is gone', () => gateway!.counts.connections === 0);
  });

  it('is what a device has to speak: one in the clear is cut, and has attempted nothing', async () => {
    gateway = await start();
    const clear = await gateway.device();
    clear.say({ type: 'auth', token: bench.token() });
    await clear.closed();
    assert.deepEqual([clear.frames.length, gateway.counts.attempts, gateway.counts.connections], [0, 0, 0]);
  });

  it('asks devices for a certificate where an authority is configured, and takes those of that authority only', async () => {
    gateway = await start({ TLS_CLIENT_CA: file('authority.pem') });
    for (const options of [{}, credentials('other')]) {
      const outside = device(options);
      await outside.closed();
      assert.deepEqual([outside.frames, gateway.counts.attempts], [[], 0]);
    }
    const inside = device(credentials('device'));
    await inside.heard('accepted');
    await inside.end();
  });

  it('ends with a word when the gateway does', async () => {
    gateway = await start();
    const inside = device();
    await inside.heard('accepted');
    const gone = once(inside.socket, 'close');
    await gateway.stop();
    assert.equal((await inside.heard('closing')).reason, 'shutdown');
    await gone;
  });

  it('is refused with files that are none, by a sentence that names the setting', async () => {
    await assert.rejects(start({ TLS_CLIENT_CA: '/nowhere' }), /^ConfigError: TLS_CLIENT_CA: /);
    await assert.rejects(bench.start({ TLS_CERT: file('gateway.pem') }), /^ConfigError: TLS_CERT, TLS_KEY: both/);
    const wrong = bench.start({ TLS_CERT: file('gateway.pem'), TLS_KEY: file('device.key') });
    await assert.rejects(wrong, /^ConfigError: TLS_CERT, TLS_KEY: /);
  });
});
