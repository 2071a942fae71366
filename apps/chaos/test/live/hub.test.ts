/** The live hub over real HTTP, looking at a mesh of fakes and at a real Redis and PostgreSQL. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  LiveSnapshot,
  type Fault,
  type LiveMetrics,
  type LiveOrders,
  type LivePhase,
  type LiveTopology,
  type LiveWire,
  type OrderState,
} from '@ballast/contracts';
import { createHttpServer, createLogger, createMetrics, type HttpServer } from '@ballast/service';
import { testIdentity, until, type TestIdentity } from '@ballast/testing';
import { Compile } from 'typebox/compile';
import { createLiveHub } from '../../src/live/index.ts';
import { createChaosState, type ChaosState, type LiveHub } from '../../src/state.ts';
import { fakeAuditor, fakeFault, fakeProcess, fakeService } from './fakes.ts';
import { openReader, type EventReader, type ReceivedEvent } from './reader.ts';

const snapshotCheck = Compile(LiveSnapshot);

/** What events carry, by name. */
interface Told {
  topology: LiveTopology;
  phase: LivePhase;
  faults: { items: Fault[] };
  orders: LiveOrders;
  metrics: LiveMetrics;
  wire: LiveWire;
}

describe('the live hub', () => {
  let identity: TestIdentity;
  let operator: string;
  let checkout: Awaited<ReturnType<typeof fakeService>>;
  let bff: Awaited<ReturnType<typeof fakeService>>;
  let auditor: Awaited<ReturnType<typeof fakeAuditor>>;
  let toxiproxy: Awaited<ReturnType<typeof fakeProcess>>;
  let state: ChaosState;
  let hub: LiveHub;
  let server: HttpServer;
  let url: string;
  const readers: EventReader[] = [];

  before(async () => {
    identity = await testIdentity();
    operator = `Bearer ${identity.token({ roles: ['operator'] })}`;
  });
  after(() => identity.close());
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    await hub.stop();
    server.startDraining();
    await server.close();
    await Promise.all([checkout, bff, auditor, toxiproxy].map((fake) => fake.stop()));
  });

  const start = async (times: { graceMs?: number; staleMs?: number } = {}): Promise<void> => {
    [checkout, bff, auditor] = await Promise.all([fakeService('checkout-1'), fakeService('bff'), fakeAuditor()]);
    let bytes = 0;
    toxiproxy = await fakeProcess({
      '/proxies': {
        'bff.checkout-1': { name: 'bff.checkout-1', enabled: true, toxics: [{ name: 'x', type: 'latency' }] },
      },
      '/metrics': () => {
        bytes += 5_000;
        return `toxiproxy_proxy_sent_bytes_total{direction="upstream",proxy="bff.checkout-1"} ${bytes}`;
      },
    });
    const instance = (name: string, service: string, address: string) => ({
      name,
      service,
      kind: 'service' as const,
      url: address,
    });
    state = createChaosState([
      instance('checkout-1', 'checkout', checkout.url),
      instance('bff', 'bff', bff.url),
      { name: 'payment-provider', service: 'payment-provider', kind: 'stand-in', url: auditor.url },
    ]);
    const logger = createLogger({ service: 'chaos', instance: 'chaos', level: 'silent' });
    const metrics = createMetrics({ service: 'chaos', instance: 'chaos' });
    server = await createHttpServer({
      name: 'chaos',
      instance: 'chaos',
      logger,
      metrics,
      checks: [],
      issuer: identity.url,
    });
    hub = createLiveHub(
      {
        state,
        authorization: () => 'Bearer operator',
        auditorUrl: auditor.url,
        toxiproxyUrl: toxiproxy.url,
        parts: [
          { name: 'postgres', url: process.env['TEST_POSTGRES_URL']! },
          { name: 'redis', url: process.env['TEST_REDIS_URL']! },
          { name: 'rabbitmq', url: process.env['TEST_AMQP_URL']! },
          { name: 'nowhere', url: 'redis://127.0.0.1:1' },
        ],
        logger,
        metrics,
      },
      times,
    );
    hub.routes(server);
    await server.listen({ host: '127.0.0.1', port: 0 });
    hub.start();
    url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/live`;
  };
  const read = (headers: Record<string, string> = {}): EventReader => {
    const reader = openReader(url, { authorization: operator, ...headers });
    readers.push(reader);
    return reader;
  };
  const snapshotOf = async (reader: EventReader): Promise<LiveSnapshot> => {
    const first = await until('the first event', () => reader.events[0]);
    assert.equal(first.event, 'snapshot');
    assert.ok(snapshotCheck.Check(first.data), JSON.stringify(snapshotCheck.Errors(first.data).slice(0, 3)));
    return first.data;
  };
  const latest = <Name extends keyof Told>(reader: EventReader, name: Name): Told[Name] | undefined =>
    all(reader, name).at(-1);
  const all = <Name extends keyof Told>({ events }: EventReader, name: Name): Told[Name][] =>
    events.flatMap(({ event, data }) => (event === name ? [data as Told[Name]] : []));
  const phase = (reader: EventReader, wanted: string): Promise<LivePhase> =>
    until(wanted, () => {
      const slice = latest(reader, 'phase');
      return slice?.phase === wanted ? slice : undefined;
    });
  const number = ({ id }: ReceivedEvent): number => Number(id.split('-')[1]);

  it('shows the whole first, then what it finds: processes, links, parts', async () => {
    await start();
    const reader = read();
    const snapshot = await snapshotOf(reader);
    assert.deepEqual(
      snapshot.topology.nodes.map(({ name, state: seen }) => `${name} ${seen}`),
      ['checkout-1', 'bff', 'payment-provider', 'postgres', 'redis', 'rabbitmq', 'nowhere'].map(
        (name) => `${name} unknown`,
      ),
      'nobody was asked before somebody read',
    );
    bff.state.breaker = 2;
    const topology = await until('all are known', () => {
      bff.state.requests += 5;
      const found = latest(reader, 'topology');
      const known = found?.nodes.every((node) => node.state !== 'unknown') === true;
      return known && found.links[0]?.breaker === 'open' && found.links[0].bytesPerSecond > 0 ? found : undefined;
    });
    const node = (name: string) => topology.nodes.find((found) => found.name === name)!;
    assert.deepEqual(
      ['checkout-1', 'bff', 'postgres', 'redis', 'rabbitmq', 'nowhere'].map((name) => node(name).state),
      ['ready', 'ready', 'ready', 'ready', 'ready', 'unreachable'],
    );
    assert.deepEqual([node('bff').kind, node('postgres').kind], ['service', 'part']);
    assert.ok(node('bff').requests > 0 && node('bff').p95! <= 10);
    assert.equal(node('checkout-1').outbox, 3);
    assert.equal(node('checkout-1').memoryMegabytes, 50);
    assert.ok(node('checkout-1').uptime! >= 59);
    assert.deepEqual(topology.links[0]!.toxics, ['latency']);
  });

  it('tells of a fault at once, and of the phases it leads through', async () => {
    await start();
    const reader = read();
    await until('it is steady', async () => {
      await snapshotOf(reader);
      const nodes = latest(reader, 'topology')?.nodes ?? [];
      return nodes.some((node) => node.state === 'ready');
    });
    state.set('faults', [fakeFault()]);
    // `nowhere` is a part that is not there: it has been noticed already.
    assert.match((await phase(reader, 'DEGRADED')).reason, /^checkout-1: crash at process.tick. Not ready: nowhere/);
    checkout.state.failing = { postgres: 'connection refused' };
    await until('the reason says more', () => latest(reader, 'phase')!.reason.includes('checkout-1, nowhere'));
    const down = latest(reader, 'topology')!.nodes.find(({ name }) => name === 'checkout-1')!;
    assert.deepEqual([down.state, down.failing], ['not-ready', { postgres: 'connection refused' }]);
    state.set('faults', [fakeFault({ state: 'recovering' })]);
    assert.match((await phase(reader, 'RECOVERING')).reason, /not healed yet/);
    await bff.stop();
    await until('the bff is gone', () => {
      const found = latest(reader, 'topology')!.nodes.find(({ name }) => name === 'bff')!;
      return found.state === 'unreachable' && found.failing['process'] === 'connection refused';
    });
    assert.deepEqual(
      all(reader, 'faults').map(({ items }) => items.map((fault) => fault.state)),
      [['active'], ['recovering']],
      'a slice is told when it has changed, and only then',
    );
  });

  it('shows orders as their rows move, and calls as services answer them: to each reader every one once', async () => {
    await start();
    const first = read();
    await snapshotOf(first);
    const [one, two] = [randomUUIDv7(), randomUUIDv7()];
    const move = (orderId: string, seq: number, to: OrderState): void => {
      const from = seq === 1 ? null : ('Initiated' as const);
      auditor.moves.push({ orderId, seq, from, event: 'something', to, at: new Date().toISOString() });
    };
    move(one, 1, 'Initiated');
    checkout.answerCall('/one');
    const moves = (reader: EventReader): string[] =>
      all(reader, 'orders').flatMap((slice) => slice.moves.map(({ orderId, to }) => `${orderId} ${to}`));
    const paths = (reader: EventReader): string[] =>
      all(reader, 'wire').flatMap((slice) => slice.calls.map(({ path }) => path));
    await until('the first', () => moves(first).length === 1 && paths(first).length === 1);
    const second = read();
    const snapshot = await snapshotOf(second);
    assert.deepEqual(
      snapshot.orders.inFlight.map(({ orderId, state: at }) => `${orderId} ${at}`),
      [`${one} Initiated`],
    );
    assert.deepEqual(snapshot.orders.totals, { Initiated: 1 });
    assert.deepEqual(
      snapshot.wire.map(({ path }) => path),
      ['/one'],
    );
    move(one, 2, 'Completed');
    move(two, 1, 'Initiated');
    checkout.answerCall('/two');
    bff.answerCall('/three');
    await until('both have all', () =>
      [first, second].every((reader) => moves(reader).includes(`${two} Initiated`) && paths(reader).includes('/two')),
    );
    await until('the other service', () => paths(second).includes('/three'));
    assert.deepEqual(moves(first), [`${one} Initiated`, `${one} Completed`, `${two} Initiated`]);
    assert.deepEqual(moves(second), [`${one} Completed`, `${two} Initiated`]);
    assert.deepEqual(paths(first).toSorted(), ['/one', '/three', '/two']);
    assert.deepEqual(paths(second).toSorted(), ['/three', '/two']);
  });

  it('adds a point a second: requests as the controller counts them, orders from rows', async () => {
    await start();
    const reader = read();
    await snapshotOf(reader);
    const orderId = randomUUIDv7();
    auditor.moves.push({
      orderId,
      seq: 1,
      from: null,
      event: 'OrderPlaced',
      to: 'Initiated',
      at: new Date().toISOString(),
    });
    await until('the move is heard', () => latest(reader, 'orders')?.moves.length === 1);
    const at = Math.floor(Date.now() / 1_000) * 1_000 + 1_000;
    state.set('seconds', [{ at, requests: 20, failed: 2, p50: 3, p95: 9, orders: 7 }]);
    const point = await until('a point', () => latest(reader, 'metrics'));
    assert.deepEqual(point, {
      at: new Date(at).toISOString(),
      requestsPerSecond: 20,
      errorsPerSecond: 2,
      p50: 3,
      p95: 9,
      ordersPerSecond: 1,
      completedPerSecond: 0,
      compensatedPerSecond: 0,
      inFlight: 1,
      outbox: 6,
    });
    const later = read();
    assert.deepEqual((await snapshotOf(later)).metrics, [point]);
  });

  it('goes on where a reader broke off, without a gap', async () => {
    await start();
    const whole = read();
    const broken = read();
    await until('some events', () => broken.events.length > 5);
    broken.close();
    const last = broken.events.at(-1)!;
    await until('it misses some', () => number(whole.events.at(-1)!) > number(last) + 3);
    const again = read({ 'last-event-id': last.id });
    await until('it has caught up', () => (again.events.length > 0 ? again.events.length >= 3 : undefined));
    const seen = again.events.slice(0, 3);
    assert.deepEqual(
      seen,
      [1, 2, 3].map((step) =>
        whole.events.find((event) => number(event) === number(last) + step && event.event !== 'snapshot'),
      ),
    );
  });

  it('asks nobody while nobody reads and nothing is broken, and begins anew after that', async () => {
    await start({ graceMs: 100, staleMs: 100 });
    const looks = (): number => checkout.asked.get('/readyz') ?? 0;
    const listens = (): number => checkout.asked.get('/lab/wire') ?? 0;
    assert.equal(looks(), 0);
    const reader = read();
    await until('it looks', () => looks() >= 1 && listens() >= 1);
    const { id } = reader.events[0]!;
    assert.equal(state.get('watchers'), 1);
    reader.close();
    await until('nobody reads', () => state.get('watchers') === 0);
    // Two turns without a question: it sleeps.
    const sleeps = async (): Promise<boolean> => {
      const before = looks() + listens();
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      return looks() + listens() === before;
    };
    await until('it sleeps', sleeps);
    const again = read({ 'last-event-id': id });
    await snapshotOf(again);
    assert.notEqual(again.events[0]!.id.split('-')[0], id.split('-')[0]);
    again.close();
    await until('it sleeps', sleeps);
    const before = looks();
    state.set('faults', [fakeFault()]);
    await until('it looks because of the fault', () => looks() > before);
  });

  it('is for operators, fifty at a time, until they sign out or it ends', async () => {
    await start();
    const status = async (headers: Record<string, string>): Promise<number> => {
      const response = await fetch(url, { headers });
      await response.body?.cancel();
      return response.status;
    };
    assert.equal(await status({}), 401);
    assert.equal(await status({ authorization: `Bearer ${identity.token()}` }), 403);
    const sessionId = randomUUIDv7();
    const leaving = read({ authorization: `Bearer ${identity.token({ roles: ['operator'] }, { sid: sessionId })}` });
    const others = Array.from({ length: 49 }, () => read());
    await until('all read', () => [leaving, ...others].every((reader) => reader.events.length > 0));
    assert.equal(await status({ authorization: operator }), 503);
    identity.revoke(sessionId);
    await until('who signed out is gone', () => leaving.ended());
    await until('there is room again', async () => (await status({ authorization: operator })) === 200);
    server.startDraining();
    await until('all are ended', () => others.every((reader) => reader.ended()));
  });
});
