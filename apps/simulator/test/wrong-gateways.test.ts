/** Gateways that do what they must not, played by the test: none of it goes unnoticed. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { testIdentity } from '@ballast/testing';
import { scenarios } from '../src/scenarios/index.ts';
import { identityFront, openBench, startSimulator, type Ended, words } from './support.ts';

/** Simulates against a gateway that treats each socket so. */
async function against(treat: (socket: Socket) => void, ...options: string[]): Promise<Ended> {
  const identity = await testIdentity();
  const front = await identityFront(identity);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => {}));
    treat(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gateway = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const simulation = await startSimulator(
      ...words(`--gateway ${gateway} --identity ${front.url} --no-analytics --auth-deadline 1 --seconds 1`),
      ...options,
    );
    return await simulation.ended;
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
    await front.close();
    await identity.close();
  }
}

const accepted = (heartbeatSeconds = 1): string =>
  `${JSON.stringify({ type: 'accepted', sessionId: randomUUID(), expiresAt: '2030-01-01T00:00:00Z', heartbeatSeconds })}\n`;

const seenIn = ({ report }: Ended, name: string): string[] =>
  report!.results.find(({ scenario }) => scenario === name)!.seen.map(({ outcome }) => outcome);
const unmet = ({ report }: Ended): string[] =>
  report!.results.filter(({ met }) => !met).map(({ scenario }) => scenario);

/** Lets in whoever says anything, or nothing, and never lets go. */
function letIn(socket: Socket): void {
  let inside = false;
  const welcome = (): void => {
    if (!inside && socket.writable) socket.write(accepted());
    inside = true;
  };
  const timer = setTimeout(welcome, 300);
  socket.on('close', () => clearTimeout(timer));
  let frames = 0;
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.includes('"ping"') && inside) socket.write('{"type":"pong"}\n');
      if (line.includes('"telemetry"') && inside) socket.write(`{"type":"ack","count":${(frames += 1)}}\n`);
      welcome();
    }
  });
}

describe('the simulator', () => {
  it('notices a gateway that lets everybody in, whatever they show', async () => {
    const ended = await against(letIn, '--mix', 'all', '--devices', '20');
    assert.equal(ended.code, 1, ended.output);
    const contented = ['valid', 'byte_by_byte', 'reconnect_storm'];
    assert.deepEqual(
      unmet(ended),
      scenarios.map(({ name }) => name).filter((name) => !contented.includes(name)),
      ended.output,
    );
    assert.deepEqual(seenIn(ended, 'alg_none'), ['accepted']);
    assert.deepEqual(seenIn(ended, 'revoked'), ['not closed']);
    assert.deepEqual(seenIn(ended, 'replaced'), ['the first one not closed']);
    assert.deepEqual(seenIn(ended, 'half_open'), ['not closed']);
    assert.match(ended.output, /\n17 not as expected:\n {2}expired: expected rejected expired, seen 1 × accepted\n/);
  });

  it('notices one that turns everybody away', async () => {
    const ended = await against(
      (socket) => socket.end('{"type":"rejected","reason":"over_capacity"}\n'),
      ...words('--mix all --devices 20'),
    );
    assert.equal(ended.code, 1, ended.output);
    assert.deepEqual(
      unmet(ended),
      scenarios.map(({ name }) => name).filter((name) => name !== 'flood'),
      ended.output,
    );
  });

  it('counts connections that are cut without a word as too many', async () => {
    const ended = await against((socket) => socket.destroy(), '--mix', 'flood', '--devices', '1', '--threads', '1');
    assert.equal(ended.code, 0, ended.output);
    assert.deepEqual([ended.report!.seen.cut, ended.report!.seen.rejected], [20, { over_capacity: 20 }]);
    assert.match(ended.output, /20 connections were cut without a word/);
  });

  it('notices one that is silent, says nonsense, loses sessions, or acknowledges wrongly', async () => {
    const valid = ['--mix', 'valid', '--devices', '1', '--rate', '50'];
    const after = (say: (socket: Socket, count: number) => void) => (socket: Socket) => {
      let count = 0;
      socket.on('data', () => {
        count += 1;
        if (count === 1) socket.write(accepted(30));
        else say(socket, count);
      });
    };
    const outcomes: [string, (socket: Socket) => void][] = [
      ['said what no gateway says', after((socket) => socket.write('{"type":"ack","count":1000}\n'))],
      ['said what no gateway says', after((socket) => socket.write('hello\n'))],
      ['said what no gateway says', after((socket) => socket.write(accepted()))],
      ['stayed, not all acknowledged', after(() => {})],
      ['gone', after((socket, count) => void (count > 5 && socket.destroy()))],
      ['closing idle', after((socket) => void socket.end('{"type":"closing","reason":"idle"}\n'))],
    ];
    const ends = await Promise.all(outcomes.map(([, treat]) => against(treat, ...valid)));
    assert.deepEqual(
      ends.map((ended) => seenIn(ended, 'valid')[0]),
      outcomes.map(([outcome]) => outcome),
    );
    assert.deepEqual(
      ends.map(({ code }) => code),
      outcomes.map(() => 1),
    );
  });

  it('notices one that hangs up on the silent too early or too late, unless it is told to be patient', async () => {
    const refuse = (socket: Socket): void => void socket.end('{"type":"rejected","reason":"auth_timeout"}\n');
    const refuseLate = (socket: Socket): void => void setTimeout(() => refuse(socket), 2_500);
    const silent = words('--mix silent --devices 1');
    const early = await against(refuse, ...silent, ...words('--auth-deadline 30'));
    assert.deepEqual(seenIn(early, 'silent'), ['rejected auth_timeout too early']);
    const late = await against(refuseLate, ...silent);
    assert.deepEqual(seenIn(late, 'silent'), ['rejected auth_timeout too late']);
    const patient = await against(refuseLate, ...silent, ...words('--patience 10'));
    assert.deepEqual(seenIn(patient, 'silent'), ['rejected auth_timeout in time']);
  });

  it('notices one that takes its time to close a session whose token is revoked, unless it is told to be patient', async () => {
    // Each session is closed some seconds after it began, which is some seconds after its token is revoked.
    const closeLate = (socket: Socket): void => {
      socket.once('data', () => {
        socket.write(accepted(30));
        setTimeout(() => socket.end('{"type":"closing","reason":"revoked"}\n'), 7_000);
      });
    };
    const revoked = words('--mix revoked --devices 1');
    const [late, patient] = await Promise.all([
      against(closeLate, ...revoked),
      against(closeLate, ...revoked, ...words('--patience 10')),
    ]);
    assert.deepEqual(seenIn(late, 'revoked'), ['closing revoked too late']);
    // In time, but the same token is let in once more.
    assert.deepEqual(seenIn(patient, 'revoked'), ['closing revoked, then accepted']);
  });

  it('notices that the end of a replaced session takes the new one along', async () => {
    const bench = await openBench({
      LAB_MODE: '1',
      DEFECTS: 'gateway.old-end-removes-new',
      // Within what the simulator waits for a session to be replaced.
      HEARTBEAT_SECONDS: '2',
    });
    try {
      const simulation = await startSimulator(
        ...bench.options,
        ...words('--mix replaced --devices 1 --seconds 1 --no-analytics'),
      );
      const ended = await simulation.ended;
      assert.equal(ended.code, 1, ended.output);
      assert.deepEqual(seenIn(ended, 'replaced'), ['the second one closing idle'], ended.output);
    } finally {
      await bench.close();
    }
  });
});
