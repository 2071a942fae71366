/** Devices on real sockets: how they get in, what they are told, and how a session ends. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { plantDefect, removeDefect } from '@ballast/faults';
import { tokenSigner, until } from '@ballast/testing';
import { Device, deviceName, openBench, telemetry, type Bench, type RunningGateway } from '../support.ts';

const seconds = (): number => Math.floor(Date.now() / 1_000);

describe('a device', () => {
  let bench: Bench;
  let gateway: RunningGateway;
  before(async () => {
    bench = await openBench({ lab: true });
    gateway = await bench.start();
  });
  after(() => bench.close());

  async function answerTo(bytes: string | Buffer): Promise<unknown> {
    const device = await gateway.device();
    device.socket.write(bytes);
    await device.closed();
    assert.equal(device.frames.length, 1, JSON.stringify(device.frames));
    return device.frames[0];
  }
  const shown = (token: string): Promise<unknown> => answerTo(`${JSON.stringify({ type: 'auth', token })}\n`);
  const rejected = (reason: string) => ({ type: 'rejected', reason });

  it('with a good token is let in, and told until when and how often to be heard of', async () => {
    const exp = seconds() + 600;
    const device = await gateway.session(deviceName(), { exp });
    const { sessionId, expiresAt, heartbeatSeconds } = await device.heard('accepted');
    assert.match(sessionId, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    assert.deepEqual([expiresAt, heartbeatSeconds], [new Date(exp * 1_000).toISOString(), 30]);
    await device.end();
  });

  it('may send its first line byte by byte, with CRLF, and go on before it is answered', async () => {
    const device = await gateway.device();
    const line = `${JSON.stringify({ type: 'auth', token: bench.token() })}\r\n{"type":"ping"}\n`;
    for (const byte of line) device.socket.write(byte);
    await device.heard('pong');
    assert.deepEqual(
      device.frames.map(({ type }) => type),
      ['accepted', 'pong'],
    );
    await device.end();
  });

  const stranger = tokenSigner();
  const claimsOf = (): Record<string, unknown> => ({
    iss: bench.identity.url,
    aud: 'tcp-gateway',
    sub: deviceName(),
    jti: '0197f0a0-0000-7000-8000-000000000000',
    iat: seconds(),
    exp: seconds() + 60,
  });
  const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const header = { alg: 'ES256', typ: 'device+jwt', kid: 'test' };
  const cases: [name: string, reason: string, make: () => string][] = [
    ['has expired', 'expired', () => bench.token(undefined, { exp: seconds() - 1 })],
    ['expires this very moment', 'expired', () => bench.token(undefined, { exp: seconds() })],
    ['is for later', 'not_yet_valid', () => bench.token(undefined, { nbf: seconds() + 60 })],
    ['is by another key under a known id', 'bad_signature', () => stranger.sign(claimsOf(), header)],
    ['is by another key and has expired', 'bad_signature', () => stranger.sign({ ...claimsOf(), exp: 1 }, header)],
    ['is by a key nobody knows', 'unknown_key', () => stranger.sign(claimsOf(), { ...header, kid: 'other' })],
    ['names no key', 'unknown_key', () => bench.token(undefined, {}, { kid: undefined })],
    ['is not signed', 'bad_signature', () => `${encode({ ...header, alg: 'none' })}.${encode(claimsOf())}.`],
    [
      'is signed with the public key as a secret',
      'bad_signature',
      () => `${encode({ ...header, alg: 'HS256' })}.${encode(claimsOf())}.${'A'.repeat(43)}`,
    ],
    ['says another algorithm than its key is for', 'bad_signature', () => bench.token(undefined, {}, { alg: 'EdDSA' })],
    ['is of another issuer', 'wrong_issuer', () => bench.token(undefined, { iss: 'https://elsewhere' })],
    ['is for another audience', 'wrong_audience', () => bench.token(undefined, { aud: 'ballast' })],
    ['is for several audiences', 'wrong_audience', () => bench.token(undefined, { aud: ['tcp-gateway'] })],
    ['is an access token', 'wrong_type', () => bench.token(undefined, {}, { typ: 'at+jwt' })],
    ['is of no type', 'wrong_type', () => bench.token(undefined, {}, { typ: undefined })],
    ['never ends', 'missing_claim', () => bench.token(undefined, { exp: undefined })],
    ['has no id', 'missing_claim', () => bench.token(undefined, { jti: undefined })],
    ['is for nobody', 'missing_claim', () => bench.token(undefined, { sub: undefined })],
    ['is for no device’s name', 'missing_claim', () => bench.token(undefined, { sub: 'a b' })],
    ['has an end that is no number', 'missing_claim', () => bench.token(undefined, { exp: 'never' })],
    ['demands what nobody understands', 'malformed', () => bench.token(undefined, {}, { crit: ['b64'], b64: false })],
    ['is longer than 2048 characters', 'too_long', () => bench.token(undefined, { note: 'x'.repeat(2_000) })],
    ['is no token', 'malformed', () => 'hello'],
    ['is empty', 'malformed', () => ''],
    ['has a header that is no object', 'malformed', () => `${encode([])}.${encode({})}.AA`],
  ];
  for (const [name, reason, make] of cases) {
    it(`whose token ${name} is told ${reason}`, async () => {
      assert.deepEqual(await shown(make()), rejected(reason));
    });
  }

  const badLines: [name: string, bytes: string | Buffer, reason: string][] = [
    ['what is no JSON', 'hello\n', 'malformed'],
    ['an empty line', '\n', 'malformed'],
    ['a ping first', '{"type":"ping"}\n', 'malformed'],
    ['telemetry first', `${JSON.stringify(telemetry())}\n`, 'malformed'],
    ['a token that is no text', '{"type":"auth","token":1}\n', 'malformed'],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]), 'malformed'],
    ['a byte order mark', '\ufeff{"type":"ping"}\n', 'malformed'],
    ['a TLS hello', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x0a]), 'malformed'],
    ['65 536 bytes without an end', 'x'.repeat(65_536), 'too_long'],
    ['nested arrays to the limit', `${'['.repeat(65_535)}\n`, 'malformed'],
  ];
  for (const [name, bytes, reason] of badLines) {
    it(`that sends ${name} is told ${reason}`, async () => {
      assert.deepEqual(await answerTo(bytes), rejected(reason));
    });
  }

  it('that is revoked is not let in, and one that is in is out within a second', async () => {
    const jti = '0197f0a0-0000-7000-8000-00000000000a';
    const device = await gateway.session(deviceName(), { jti });
    const began = performance.now();
    bench.identity.revoke(jti);
    assert.equal((await device.heard('closing')).reason, 'revoked');
    assert.ok(performance.now() - began < 1_000);
    await device.closed();
    assert.deepEqual(await shown(bench.token(undefined, { jti })), rejected('revoked'));
  });

  it('is told when its token ends, when it does', async () => {
    const exp = seconds() + 2;
    const device = await gateway.session(deviceName(), { exp });
    assert.equal((await device.heard('closing')).reason, 'expired');
    const late = Date.now() - exp * 1_000;
    assert.ok(late >= 0 && late < 1_000, `${late} ms`);
    await device.closed();
  });

  it('that comes again takes the place of its old session, whose end does not touch the new one', async () => {
    const name = deviceName();
    const sessions = gateway.counts.sessions;
    const first = await gateway.session(name);
    const second = await gateway.session(name);
    assert.equal((await first.heard('closing')).reason, 'replaced');
    await first.closed();
    await until('one session is left', () => gateway.counts.sessions === sessions + 1);
    const third = await gateway.session(name);
    assert.equal((await second.heard('closing')).reason, 'replaced');
    third.say({ type: 'ping' });
    await third.heard('pong');
    await third.end();
    await until('it is gone', () => gateway.counts.sessions === sessions);
  });

  it('would be forgotten by the end of its old session if nobody looked whose end it is', async () => {
    plantDefect('gateway.old-end-removes-new');
    try {
      const name = deviceName();
      const first = await gateway.session(name);
      const second = await gateway.session(name);
      await first.closed();
      const before = gateway.counts.connections;
      const third = await gateway.session(name);
      second.say({ type: 'ping' });
      await second.heard('pong');
      assert.deepEqual(
        second.frames.filter(({ type }) => type === 'closing'),
        [],
      );
      assert.equal(gateway.counts.connections, before + 1);
      await Promise.all([second.end(), third.end()]);
    } finally {
      removeDefect('gateway.old-end-removes-new');
    }
  });

  it('is told how many frames were taken: every hundred, and after a second at the latest', async () => {
    const device = await gateway.session();
    device.say(...Array.from({ length: 250 }, () => telemetry()));
    await until('the last count', () => device.frames.at(-1)?.type === 'ack' && device.frames.length === 4);
    assert.deepEqual(
      device.frames.flatMap((frame) => (frame.type === 'ack' ? [frame.count] : [])),
      [100, 200, 250],
    );
    await device.end();
  });

  const badFrames: [name: string, line: string][] = [
    ['no JSON', 'hello'],
    ['a frame of no known type', '{"type":"hello"}'],
    ['a second token', '{"type":"auth","token":"x"}'],
    ['a reading that is an object', JSON.stringify(telemetry({ a: {} }))],
    ['a reading without a proper name', JSON.stringify(telemetry({ _a: { deep: [] } }))],
    ['a reading named like a prototype', JSON.stringify(telemetry()).replace('temperature', '__proto__')],
    ['a number that is none', JSON.stringify(telemetry()).replace('21.5', '1e999')],
    [
      'sixty-five readings',
      JSON.stringify(telemetry(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`a${n}`, n])))),
    ],
    ['a time that is none', JSON.stringify({ ...telemetry(), sentAt: 'yesterday' })],
    ['more than a line may be', 'x'.repeat(70_000)],
  ];
  for (const [name, line] of badFrames) {
    it(`that is in and sends ${name} is told protocol, and out`, async () => {
      const device = await gateway.session();
      device.socket.write(`${line}\n`);
      assert.equal((await device.heard('closing')).reason, 'protocol');
      await device.closed();
    });
  }

  it('with a key of the other kind, Ed25519, is let in', async () => {
    // Its issuer is a server of the test's own; see keys.test.ts for how keys are had.
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { verificationKey, readToken, isSigned } = await import('../../src/domain/device-token.ts');
    const key = verificationKey({ ...publicKey.export({ format: 'jwk' }), kid: 'ed' })!;
    const content = `${encode({ ...header, alg: 'EdDSA', kid: 'ed' })}.${encode(claimsOf())}`;
    const read = readToken(`${content}.${sign(null, Buffer.from(content), privateKey).toString('base64url')}`);
    assert.ok(typeof read !== 'string');
    assert.equal(await isSigned(read, key), true);
    read.signed[5] = read.signed[5]! ^ 1;
    assert.equal(await isSigned(read, key), false);
  });

  it('that hangs up before its first line has attempted nothing', async () => {
    const { attempts } = gateway.counts;
    const device = await Device.connect(gateway.port);
    await until('it is there', () => gateway.gateway.unauthenticated === 1);
    await device.end();
    await until('it is gone', () => gateway.gateway.unauthenticated === 0);
    assert.equal(gateway.counts.attempts, attempts);
  });

  it('leaves nothing behind: attempts are accepted and rejected ones, and nothing is open', async () => {
    await until('all are gone', () => gateway.counts.connections === 0);
    const { attempts, accepted, rejected, sessions } = gateway.counts;
    assert.equal(attempts, accepted + rejected);
    assert.deepEqual([sessions, gateway.gateway.sessions, gateway.gateway.unauthenticated], [0, 0, 0]);
    assert.deepEqual(gateway.complaints, []);
  });
});
