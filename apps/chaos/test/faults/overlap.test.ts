/** Faults that meet: on one link while it is being switched, and with what an earlier controller has left. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { controls, type Fault, type FaultRequest } from '@ballast/contracts';
import { freePort, until } from '@ballast/testing';
import { createAsker, type Asker } from '../../src/clients/http.ts';
import { createMesh, type Mesh } from '../../src/clients/mesh.ts';
import { createToxiproxy } from '../../src/clients/toxiproxy.ts';
import { cleanUp, type CleanupParts } from '../../src/faults/cleanup.ts';
import { createFaults, type Faults } from '../../src/faults/engine.ts';
import type { Plan } from '../../src/faults/lever.ts';
import { createChaosState } from '../../src/state.ts';
import { fakeToxiproxy, type FakeToxiproxy } from '../fake-toxiproxy.ts';
import { openBench, type Bench, type Controller } from '../support.ts';

const link = 'victim-1.postgres';

describe('two faults that cut one link', () => {
  let bench: Bench;
  let toxiproxy: FakeToxiproxy;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    toxiproxy = await fakeToxiproxy([link]);
    chaos = await bench.start({ TOXIPROXY_URL: toxiproxy.url });
  });
  after(async () => {
    await bench.close();
    await toxiproxy.close();
  });

  const cut: FaultRequest = { kind: 'link', from: 'victim-1', to: 'postgres', toxic: 'down', seconds: 60 };
  const targets = (): Promise<unknown> => chaos.call('GET', '/targets');

  it('leave it cut until the later one is over, also where that begins while the first is being ended', async () => {
    const first = await chaos.inject(cut);
    const held = Promise.withResolvers<void>();
    toxiproxy.doing = (what) => (what === 'on' ? held.promise : Promise.resolve());
    const healing = chaos.call('DELETE', `/faults/${first.id}`);
    await until('it is being switched on', () => toxiproxy.asked.includes(`on ${link}`));
    const injecting = chaos.inject(cut);
    await until('the second is known', async () => {
      const { items } = (await chaos.call('GET', '/faults')).body as { items: Fault[] };
      return items.length === 2;
    });
    // Whatever was on its way to Toxiproxy is there when this has been answered.
    await targets();
    await targets();
    held.resolve();
    const second = await injecting;
    await healing;
    assert.equal(toxiproxy.proxies.get(link)!.enabled, false);
    assert.deepEqual(
      [(await chaos.fault(first.id)).state === 'active', (await chaos.fault(second.id)).state],
      [false, 'active'],
    );
    await chaos.call('DELETE', `/faults/${second.id}`);
    await chaos.healed(second.id);
    assert.equal(toxiproxy.proxies.get(link)!.enabled, true);
  });
});

describe('what an earlier controller has left', () => {
  const two = controls.filter(({ plants }) => plants.some(({ instance }) => instance === 'catalog-1')).slice(0, 2);
  const [used, left] = two.map(({ plants }) => plants.find(({ instance }) => instance === 'catalog-1')!.defect);
  const defects = new Set<string>();
  let asked: () => Promise<void> = async () => {};
  const instance = createServer((request, response) => {
    void asked().then(() => {
      if (request.method === 'DELETE') defects.delete(request.url!.split('/').at(-1)!);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ points: [], places: {}, armed: [], defects: [...defects] }));
    });
  });
  let toxiproxy: FakeToxiproxy;
  let asker: Asker;
  let mesh: Mesh;
  let faults: Faults;
  let parts: CleanupParts;
  let put: () => void;
  before(async () => {
    toxiproxy = await fakeToxiproxy([link]);
    instance.listen(0, '127.0.0.1');
    await once(instance, 'listening');
    asker = createAsker();
    const url = `http://127.0.0.1:${(instance.address() as AddressInfo).port}`;
    mesh = createMesh({
      instances: [{ name: 'catalog-1', service: 'catalog', kind: 'service', url }],
      asker,
      session: { authorization: () => 'Bearer operator', refused: () => {}, start: async () => {}, stop: () => {} },
    });
  });
  beforeEach(() => {
    put = () => {};
    asked = async () => {};
    toxiproxy.listing = async () => {};
    const state = createChaosState([]);
    const plan = (id: string, request: FaultRequest): Plan => ({
      title: id,
      nodes: [],
      links: request.kind === 'link' ? ['victim-1>postgres'] : [],
      kind: 'link',
      lasts: true,
      exclusive: null,
      inject: async () => put(),
      end: async () => {},
      waiting: async () => [],
    });
    faults = createFaults({ plan: async (id, request) => plan(id, request), state, report: () => {} });
    const missing = 'is not set here';
    parts = {
      faults,
      mesh,
      toxiproxy: createToxiproxy(toxiproxy.url, asker),
      controls: { backends: missing, broker: missing, redis: missing, vault: missing },
      negativeControls: two,
      report: () => {},
    };
  });
  afterEach(() => faults.close(0));
  after(async () => {
    await asker.close();
    await toxiproxy.close();
    instance.closeAllConnections();
    instance.close();
    await once(instance, 'close');
  });

  it('is mended; a toxic that is put there while it is being looked for is not', async () => {
    const proxy = toxiproxy.proxies.get(link)!;
    proxy.toxics = ['chaos-of-an-earlier-one', 'somebody-else'];
    toxiproxy.listing = async () => {
      if (faults.list().length > 0) return;
      put = () => proxy.toxics.push(`chaos-${faults.list()[0]!.id}`);
      await faults.inject({ kind: 'link', from: 'victim-1', to: 'postgres', toxic: 'latency', seconds: 60 });
    };
    await cleanUp(parts, AbortSignal.timeout(20_000));
    assert.deepEqual(proxy.toxics, ['somebody-else', `chaos-${faults.list()[0]!.id}`]);
  });

  it('is nothing in a process that is not there yet: nobody is warned, and nothing is tried again', async () => {
    const absent = createMesh({
      instances: [
        { name: 'catalog-1', service: 'catalog', kind: 'service', url: `http://127.0.0.1:${await freePort()}` },
      ],
      asker,
      session: { authorization: () => 'Bearer operator', refused: () => {}, start: async () => {}, stop: () => {} },
    });
    const told: string[] = [];
    const signal = AbortSignal.timeout(20_000);
    await cleanUp({ ...parts, mesh: absent, report: (what) => void told.push(what) }, signal);
    assert.deepEqual(told, []);
    assert.equal(signal.aborted, false);
  });

  it('is mended; a link that is cut while it is being looked for is not', async () => {
    const proxy = toxiproxy.proxies.get(link)!;
    toxiproxy.listing = async () => {
      if (faults.list().length > 0) return;
      put = () => {
        proxy.enabled = false;
      };
      await faults.inject({ kind: 'link', from: 'victim-1', to: 'postgres', toxic: 'down', seconds: 60 });
    };
    await cleanUp(parts, AbortSignal.timeout(20_000));
    assert.equal(proxy.enabled, false);
    toxiproxy.listing = async () => {};
    await faults.close(0);
    faults = createFaults({
      plan: () => Promise.reject(new Error('none')),
      state: createChaosState([]),
      report: () => {},
    });
    await cleanUp({ ...parts, faults }, AbortSignal.timeout(20_000));
    assert.equal(proxy.enabled, true);
  });

  it('is mended; a control that is planted while it is being looked for is not', async () => {
    defects.add(used!).add(left!).add('nothing.of-ours');
    asked = async () => {
      if (faults.list().length === 0) await faults.inject({ kind: 'control', control: two[0]!.control, seconds: 60 });
    };
    await cleanUp(parts, AbortSignal.timeout(20_000));
    assert.deepEqual([...defects], [used, 'nothing.of-ours']);
  });

  it('is tried again until it works', async () => {
    const proxy = toxiproxy.proxies.get(link)!;
    proxy.toxics = ['chaos-of-an-earlier-one'];
    let tries = 0;
    const real = parts.toxiproxy!;
    const stubborn = {
      ...real,
      proxies: async () => {
        tries += 1;
        if (tries < 3) throw new Error('connection refused');
        return await real.proxies();
      },
    };
    await cleanUp({ ...parts, toxiproxy: stubborn }, AbortSignal.timeout(20_000));
    assert.deepEqual([proxy.toxics, tries], [[], 3]);
  });
});
