/** Faults on links, through Toxiproxy's API: the stand-in of the lab, with real connections through it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { FaultTargets, type FaultRequest } from '@ballast/contracts';
import { until } from '@ballast/testing';
import { startToxiproxyStandIn, type ToxiproxyStandIn } from '@ballast/toxiproxy-stand-in';
import { expectBody, openBench, refusal, type Bench, type Controller, type Victim } from './support.ts';

type LinkRequest = Extract<FaultRequest, { kind: 'link' }>;

describe('faults on links', () => {
  let bench: Bench;
  let victim: Victim;
  let upstream: Server;
  let toxiproxy: ToxiproxyStandIn;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    victim = await bench.victim('victim-1');
    upstream = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const address = `127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    toxiproxy = await startToxiproxyStandIn({
      proxies: ['victim-1.postgres', 'victim-1.rabbitmq', 'victim-2.postgres'].map((name) => ({
        name,
        listen: '127.0.0.1:0',
        upstream: address,
        enabled: true,
      })),
    });
    chaos = await bench.start(settings());
  });
  afterEach(async () => {
    await chaos.call('DELETE', '/faults');
  });
  after(async () => {
    await bench.close();
    await toxiproxy.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  const settings = (): Record<string, string> => ({
    INSTANCES: `victim-1=${victim.url}`,
    TOXIPROXY_URL: toxiproxy.url,
  });
  const link = (more: Partial<LinkRequest> = {}): LinkRequest => ({
    kind: 'link',
    from: 'victim-1',
    to: 'postgres',
    toxic: 'latency',
    attributes: { latency: 300 },
    seconds: 60,
    ...more,
  });
  const down = (more: Partial<LinkRequest> = {}): LinkRequest => {
    const { attributes: _, ...request } = link({ toxic: 'down', ...more });
    return request;
  };
  /** One request over a link: how long it took, or why it failed. */
  const through = async (name: string): Promise<{ ok: boolean; milliseconds: number }> => {
    const began = performance.now();
    const took = (): number => performance.now() - began;
    try {
      const response = await fetch(`http://${toxiproxy.proxy(name).listen}/`, {
        signal: AbortSignal.timeout(1_000),
        headers: { connection: 'close' },
      });
      return { ok: (await response.text()) === 'hello', milliseconds: took() };
    } catch {
      return { ok: false, milliseconds: took() };
    }
  };
  const toxics = async (name: string): Promise<string[]> => {
    const proxies = (await (await fetch(`${toxiproxy.url}/proxies`)).json()) as Record<
      string,
      { enabled: boolean; toxics: { type: string }[] }
    >;
    const proxy = proxies[name]!;
    return [...(proxy.enabled ? [] : ['down']), ...proxy.toxics.map(({ type }) => type)];
  };

  it('are listed with their targets', async () => {
    const { links } = expectBody(FaultTargets, 200, await chaos.call('GET', '/targets'));
    assert.deepEqual(links, [
      { from: 'victim-1', to: 'postgres' },
      { from: 'victim-1', to: 'rabbitmq' },
      { from: 'victim-2', to: 'postgres' },
    ]);
  });

  it('slow down what goes over one link, and no other', async () => {
    const fault = await chaos.inject(link());
    assert.deepEqual(
      [fault.state, fault.links, fault.nodes, fault.receipt.kind],
      ['active', ['victim-1>postgres'], ['victim-1', 'postgres'], 'postgres'],
    );
    assert.ok((await through('victim-1.postgres')).milliseconds >= 290);
    assert.deepEqual(await toxics('victim-2.postgres'), []);
    await chaos.call('DELETE', `/faults/${fault.id}`);
    await chaos.healed(fault.id);
    assert.deepEqual(await toxics('victim-1.postgres'), []);
  });

  it('hit every link of one end where it says so', async () => {
    const fault = await chaos.inject(down({ from: '*' }));
    assert.deepEqual(fault.links, ['victim-1>postgres', 'victim-2>postgres']);
    assert.equal((await through('victim-1.postgres')).ok, false);
    assert.equal((await through('victim-2.postgres')).ok, false);
    assert.equal((await through('victim-1.rabbitmq')).ok, true);
    await chaos.call('DELETE', '/faults');
    assert.equal((await through('victim-2.postgres')).ok, true);
  });

  it('live side by side, and each ends by itself', async () => {
    const first = await chaos.inject(down());
    const second = await chaos.inject(down({ from: '*' }));
    await chaos.inject(link({ toxic: 'bandwidth', attributes: { rate: 100 } }));
    await chaos.inject(link());
    assert.deepEqual(await toxics('victim-1.postgres'), ['down', 'bandwidth', 'latency']);
    await chaos.call('DELETE', `/faults/${second.id}`);
    assert.deepEqual(await toxics('victim-1.postgres'), ['down', 'bandwidth', 'latency']);
    assert.deepEqual(await toxics('victim-2.postgres'), []);
    await chaos.call('DELETE', `/faults/${first.id}`);
    assert.deepEqual(await toxics('victim-1.postgres'), ['bandwidth', 'latency']);
  });

  it('swallow one direction', async () => {
    await chaos.inject(down({ toxic: 'drop', stream: 'upstream' }));
    const { ok, milliseconds } = await through('victim-1.postgres');
    assert.equal(ok, false);
    assert.ok(milliseconds >= 900, 'nobody closed the connection');
  });

  it('are refused with the field that is wrong', async () => {
    for (const [body, field] of [
      [link({ from: 'victim-9' }), 'from'],
      [link({ to: 'redis' }), 'to'],
      [link({ from: '*', to: 'redis' }), 'to'],
      [link({ attributes: { rate: 3 } }), 'attributes.rate'],
      [{ ...down(), attributes: { bytes: 1 } }, 'attributes.bytes'],
      [link({ toxicity: 0 }), 'toxicity'],
      [{ ...link(), attributes: { latency: -1 } }, 'attributes.latency'],
      [{ ...link(), attributes: { lateness: 1 } }, 'attributes.lateness'],
      [{ ...link(), toxic: 'snow' }, 'toxic'],
    ] as const) {
      const [status, named] = refusal(await chaos.call('POST', '/faults', body));
      assert.equal(status, 422, JSON.stringify(body));
      assert.equal(named, field);
    }
  });

  it('are ended again and again until it works', async () => {
    const stubborn = await startToxiproxyStandIn({
      proxies: [{ name: 'victim-1.redis', listen: '127.0.0.1:0', upstream: '127.0.0.1:9', enabled: true }],
    });
    const { port } = new URL(stubborn.url);
    const other = await bench.start({ ...settings(), TOXIPROXY_URL: stubborn.url });
    const fault = await other.inject(link({ to: 'redis' }));
    await stubborn.close();
    const answer = await other.call('DELETE', `/faults/${fault.id}`);
    assert.equal((answer.body as { state: string }).state, 'active');
    assert.match((await other.fault(fault.id)).detail!, /cannot be ended yet: .*refused/);
    const again = await startToxiproxyStandIn({
      port: Number(port),
      proxies: [{ name: 'victim-1.redis', listen: '127.0.0.1:0', upstream: '127.0.0.1:9', enabled: true }],
    });
    await other.healed(fault.id);
    await other.stop();
    await again.close();
  });

  it('are taken back when the controller ends', async () => {
    const leaving = await bench.start(settings());
    await leaving.inject(link());
    await leaving.inject(down({ to: 'rabbitmq' }));
    await leaving.stop();
    assert.deepEqual(await toxics('victim-1.postgres'), []);
    assert.deepEqual(await toxics('victim-1.rabbitmq'), []);
  });

  it('that a killed controller has left are mended by the next one, and others’ are not', async () => {
    const add = (proxy: string, name: string): Promise<Response> =>
      fetch(`${toxiproxy.url}/proxies/${proxy}/toxics`, {
        method: 'POST',
        body: JSON.stringify({ name, type: 'latency', stream: 'downstream', toxicity: 1, attributes: { latency: 1 } }),
        headers: { 'content-type': 'application/json' },
      });
    await add('victim-1.postgres', 'chaos-0190');
    await add('victim-1.postgres', 'somebody-else');
    await fetch(`${toxiproxy.url}/proxies/victim-1.rabbitmq`, {
      method: 'POST',
      body: '{"enabled":false}',
      headers: { 'content-type': 'application/json' },
    });
    const next = await bench.start(settings());
    await until('the link is enabled', async () => (await toxics('victim-1.rabbitmq')).length === 0);
    await until('ours is gone', async () => (await toxics('victim-1.postgres')).length === 1);
    const fault = await next.inject(link());
    assert.equal((await toxics('victim-1.postgres')).length, 2);
    await next.call('DELETE', `/faults/${fault.id}`);
    await fetch(`${toxiproxy.url}/proxies/victim-1.postgres/toxics/somebody-else`, { method: 'DELETE' });
  });
});
