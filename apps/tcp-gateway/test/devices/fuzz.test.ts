/**
 * Hostile bytes: streams of good frames, broken at random, each on a real socket. What must come of each is told by the
 * test's own reading of the protocol, which shares nothing with the gateway's. FUZZ_STREAMS (default 20,000) and FUZZ_SEED.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deviceTokenLimit, lineLimitBytes } from '@ballast/contracts';
import { seededIntegers, tokenSigner, until } from '@ballast/testing';
import { deviceName, openBench, telemetry, type Bench, type RunningGateway } from '../support.ts';

const streams = Number(process.env['FUZZ_STREAMS'] ?? 20_000);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const atOnce = 64;

type Integer = (limit: number) => number;

/** Breaks bytes in one of the ways in which bytes are broken. */
function mutate(bytes: Buffer, integer: Integer): Buffer {
  const at = integer(bytes.length);
  const piece = bytes.subarray(at, at + 1 + integer(40));
  switch (integer(10)) {
    case 0: {
      const copy = Buffer.from(bytes);
      copy[at] = copy[at]! ^ (1 << integer(8));
      return copy;
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([integer(256)]), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + integer(40))]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)]);
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(Array.from({ length: 20 }, () => integer(256))),
        bytes.subarray(at),
      ]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(integer(2_000), bytes[at]), bytes.subarray(at)]);
    case 7:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from('\n\r\n'.slice(integer(3))), bytes.subarray(at)]);
    case 8:
      return Buffer.from(
        bytes.toString('latin1').replace(/[0-9]+/g, (digits) => (integer(4) === 0 ? '1e999' : digits)),
        'latin1',
      );
    default:
      return bytes;
  }
}

/** What the first line must come to: a reason, `in` for being let in, or `open` where no first line has come. */
function expected(bytes: Buffer, verdicts: ReadonlyMap<string, string>): string[] {
  const end = bytes.indexOf(0x0a);
  if (end === -1 ? bytes.length >= lineLimitBytes : end + 1 > lineLimitBytes) return ['too_long'];
  if (end === -1) return ['open'];
  const line = bytes.subarray(0, end);
  const text = line.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(line)) return ['malformed'];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What the gateway must find out as well.
    return ['malformed'];
  }
  const { type, token } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (type !== 'auth' || typeof token !== 'string') return ['malformed'];
  const known = verdicts.get(token);
  if (known !== undefined) return [known];
  if (token.length > deviceTokenLimit) return ['too_long'];
  // Broken somewhere; nothing but its form, its key or its signature may be blamed.
  return ['malformed', 'unknown_key', 'bad_signature'];
}

describe('hostile bytes', () => {
  let bench: Bench;
  let gateway: RunningGateway;
  before(async () => {
    bench = await openBench();
    gateway = await bench.start({
      DEVICE_ATTEMPTS_BURST: 1_000_000,
      EVENT_QUEUE_ITEMS: 1_000,
      TELEMETRY_QUEUE_ITEMS: 1_000,
    });
  });
  after(() => bench.close());

  /** Sends a stream in pieces and hangs up after it; resolves to what was answered. */
  function send(bytes: Buffer, integer: Integer): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect({ port: gateway.port, host: '127.0.0.1', noDelay: true });
      socket.setEncoding('utf8');
      socket.on('data', (text: string) => {
        answer += text;
      });
      // Cut while still being told: the answer has come before.
      socket.on('error', () => {});
      socket.on('close', () => resolve(answer));
      socket.setTimeout(30_000, () => {
        socket.destroy();
        reject(new Error(`no end after ${JSON.stringify(answer)}`));
      });
      socket.on('connect', () => {
        const cut = integer(3) === 0 ? integer(bytes.length + 1) : bytes.length;
        socket.write(bytes.subarray(0, cut));
        socket.end(bytes.subarray(cut));
      });
    });
  }

  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };

  it(
    `in ${streams} streams come to the right reasons, to no crash, and to no growth`,
    { timeout: 1_800_000 },
    async () => {
      const integer = seededIntegers(seed);
      const stranger = tokenSigner();
      const verdicts = new Map<string, string>();
      const know = (token: string, verdict: string): string => {
        verdicts.set(token, verdict);
        return token;
      };
      const names = Array.from({ length: 20 }, deviceName);
      const tokens = [
        ...names.map((name) => know(bench.token(name), 'in')),
        know(bench.token(names[0], { exp: 1 }), 'expired'),
        know(bench.token(names[0], { iss: 'x' }), 'wrong_issuer'),
        know(bench.token(names[0], {}, { typ: 'at+jwt' }), 'wrong_type'),
        know(stranger.sign({}, { typ: 'device+jwt' }), 'bad_signature'),
        know(stranger.sign({}, { kid: 'other' }), 'unknown_key'),
      ];
      const tail = [telemetry(), { type: 'ping' }, telemetry({ text: 'ü€😀', ok: false }), { type: 'ping' }]
        .map((frame) => `${JSON.stringify(frame)}\n`)
        .join('');
      const seen = new Map<string, number>();
      let begun = 0;
      let early = 0;
      const one = async (): Promise<void> => {
        const token = tokens[integer(tokens.length)]!;
        let bytes = Buffer.from(`${JSON.stringify({ type: 'auth', token })}\n${tail}`);
        if (integer(200) === 0)
          bytes = Buffer.concat([bytes.subarray(0, integer(60)), Buffer.alloc(66_000, 0x61), bytes]);
        for (let times = integer(4); times > 0; times -= 1) bytes = Buffer.from(mutate(bytes, integer));
        if (bytes.length === 0) bytes = Buffer.from(' ');
        const wanted = expected(bytes, verdicts);
        const answer = await send(bytes, integer);
        const lines = answer.split('\n');
        assert.equal(lines.pop(), '', `half a line: ${JSON.stringify(answer)}`);
        const frames = lines.map((line) => JSON.parse(line) as { type: string; reason?: string });
        const first = frames[0];
        const came = first === undefined ? 'open' : first.type === 'accepted' ? 'in' : `${first.reason}`;
        seen.set(came, (seen.get(came) ?? 0) + 1);
        const words = `${came} instead of ${wanted.join(', ')}: ${JSON.stringify(bytes.toString('latin1').slice(0, 3_000))}`;
        // Who hangs up while it is judged may miss the answer, never get another.
        assert.ok(wanted.includes(came) || came === 'open', words);
        if (came === 'in')
          assert.ok(
            frames.slice(1).every(({ type }) => ['pong', 'ack', 'closing'].includes(type)),
            answer,
          );
        else assert.ok(frames.length <= 1, answer);
      };
      const lane = async (until: number): Promise<void> => {
        while (begun < until) {
          begun += 1;
          await one();
        }
      };
      for (const until of [Math.ceil(streams / 4), streams]) {
        await Promise.all(Array.from({ length: atOnce }, () => lane(until)));
        if (until < streams) early = heap();
      }
      await until('all are gone', () => gateway.counts.connections === 0);
      await until(
        'all were judged',
        () => gateway.counts.attempts === gateway.counts.accepted + gateway.counts.rejected,
      );
      const grown = (heap() - early) / 1_048_576;
      assert.ok(grown < 12, `${grown.toFixed(1)} MiB more`);
      for (const reason of [
        'in',
        'malformed',
        'bad_signature',
        'unknown_key',
        'expired',
        'wrong_issuer',
        'wrong_type',
        'too_long',
      ]) {
        assert.ok((seen.get(reason) ?? 0) > 0, `${reason} never came: ${JSON.stringify([...seen])}`);
      }
      assert.ok((seen.get('open') ?? 0) < streams / 2, JSON.stringify([...seen]));
      const { sessions, telemetry: frames } = gateway.counts;
      assert.deepEqual([sessions, gateway.gateway.sessions, gateway.gateway.unauthenticated], [0, 0, 0]);
      assert.ok(frames.received > 0);
      assert.deepEqual(gateway.complaints, []);
    },
  );
});
