/** Devices that come, and devices that stay: the gateway as it is run, beside servers that do nothing but check a token. */
import { randomUUIDv7 } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, testBroker, testIdentity } from '@ballast/testing';
import type { BenchContext } from './context.ts';
import { firstSessions, footprintOf, probeScript, type DeviceServer, type Footprint } from './devices/memory.ts';
import { forkServer, startService } from './http/server.ts';
import { measure, median, range, table } from './measure.ts';
import { forked, type Forked } from './process.ts';

const gatewayMain = join(import.meta.dirname, '../../apps/tcp-gateway/src/main.ts');
const script = (name: string): string => join(import.meta.dirname, 'devices', name);
const handshakesAtOnce = 64;
const idleSessions = 10_000;

export async function devicesBench({ urls, parts, rounds, roundMs, say }: BenchContext): Promise<string> {
  const identity = await testIdentity();
  const broker = await testBroker();
  // Somebody has to want what the gateway tells, or the broker returns it all.
  await broker.listen('ears', ['GatewayCounted', 'DeviceEvents', 'DeviceTelemetry']);
  const folder = mkdtempSync(join(tmpdir(), 'ballast-bench-'));
  const tokensFile = join(folder, 'tokens');
  const probeFile = join(folder, 'memory');
  const claims = {
    aud: 'tcp-gateway',
    email: undefined,
    roles: undefined,
    exp: Math.floor(Date.now() / 1_000) + 86_400,
  };
  const token = (_: unknown, at: number): string =>
    identity.token({}, { ...claims, sub: `device-${at}`, jti: randomUUIDv7() }, { typ: 'device+jwt' });
  writeFileSync(tokensFile, Array.from({ length: firstSessions + idleSessions }, token).join('\n'));
  const environment = {
    IDENTITY_URL: identity.url,
    PROBE_FILE: probeFile,
    NODE_OPTIONS: `--import=${probeScript}`,
  };
  const simple = async (file: string): Promise<DeviceServer> => {
    const server = await forkServer(script(file), environment);
    return { ...server, tcpPort: Number(new URL(server.url).port) };
  };
  const contenders: { name: string; start: () => Promise<DeviceServer> }[] = [
    {
      name: 'tcp-gateway',
      start: async () => {
        const tcpPort = await freePort();
        const settings = {
          ...environment,
          AMQP_URL: urls.rabbitmq,
          MESSAGING_NAMESPACE: broker.namespace,
          TCP_PORT: String(tcpPort),
          // Counted as always, but never in the way: a few devices of one address stand for a fleet.
          MAX_CONNECTIONS_PER_ADDRESS: '25000',
          DEVICE_ATTEMPTS_BURST: '1000000',
          DEVICE_ATTEMPTS_PER_MINUTE: '1000000',
          // Nobody's silence is the subject here, on a machine that may be slow.
          HEARTBEAT_SECONDS: '300',
        };
        return { ...(await startService(gatewayMain, await freePort(), settings, '/readyz')), tcpPort };
      },
    },
    { name: 'bare node:net, signature only', start: () => simple('bare.ts') },
    { name: "node:net, jose's jwtVerify", start: () => simple('jose.ts') },
  ];

  const servers: DeviceServer[] = [];
  const clients: Forked[] = [];
  try {
    say(`handshakes, ${handshakesAtOnce} at once`);
    for (const { start } of contenders) {
      const server = await start();
      servers.push(server);
      const own = { TOKENS_FILE: tokensFile, TCP_PORT: String(server.tcpPort) };
      clients.push(await forked(script('handshakes.ts'), own));
    }
    const measured = await measure(
      contenders.map(({ name }, at) => ({
        ...clients[at]!.contender(name, handshakesAtOnce),
        pids: [servers[at]!.pid],
      })),
      { rounds, roundMs, parts, say },
    );
    for (const each of [...clients.splice(0), ...servers.splice(0)]) await each.stop();

    const footprints = contenders.map(({ name }) => ({ name, found: [] as Footprint[] }));
    for (let round = 1; round <= rounds; round += 1) {
      for (const { name, start } of round % 2 === 1 ? contenders : contenders.toReversed()) {
        const server = await start();
        servers.push(server);
        const footprint = await footprintOf(server, { sessions: idleSessions, tokensFile, probeFile });
        footprints.find((entry) => entry.name === name)!.found.push(footprint);
        await servers.pop()!.stop();
      }
      say(`idle sessions, round ${round} of ${rounds}`);
    }
    return `${table(`Devices let in, ${handshakesAtOnce} at once`, measured)}\n\n${memoryTable(footprints)}`;
  } finally {
    for (const each of [...clients, ...servers]) await each.stop();
    await broker.clean([]);
    await identity.close();
    rmSync(folder, { recursive: true });
  }
}

function memoryTable(footprints: readonly { name: string; found: readonly Footprint[] }[]): string {
  const own = median(footprints[0]!.found.map(({ resident }) => resident));
  const rows = footprints.map(({ name, found }, at) => {
    const resident = found.map((each) => each.resident);
    const heap = found.map((each) => each.heap);
    const ratio = at === 0 ? '' : `${(own / median(resident)).toFixed(2)}×`;
    return `| ${name} | ${range(resident)} | ${range(heap)} | ${ratio} |`;
  });
  return [
    `### Bytes of an idle session, ${idleSessions} more of them`,
    '',
    '| | resident | of it heap and buffers | ours is |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
