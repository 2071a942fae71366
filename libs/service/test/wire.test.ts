/** What a lab is shown of a service's calls. */
import diagnostics from 'node:diagnostics_channel';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WireCall, WirePage } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { testIdentity, type TestIdentity } from '@ballast/testing';
import {
  createHttpServer,
  createLogger,
  createMetrics,
  noteUpstream,
  observerAgent,
  type HttpServer,
} from '../src/index.ts';
import { createWireRing } from '../src/wire.ts';

const call = (path: string) => ({
  at: Date.parse('2026-01-02T03:04:05.678Z'),
  method: 'GET',
  path,
  status: 200,
  milliseconds: 1.23456,
  span: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01',
  upstreams: 'checkout-2, catalog-1, checkout-2, bff',
});

describe('the ring of calls', () => {
  const filled = (calls: number) => {
    const ring = createWireRing({ service: 'bff', instance: 'bff' });
    const { seq: start } = ring.read(undefined);
    for (let index = 1; index <= calls; index += 1) ring.add(call(`/${index}`));
    const read = (after?: number): string => {
      const { items, seq, missed } = ring.read(after === undefined ? undefined : start + after);
      return `${items[0]?.path ?? ''}…${items.at(-1)?.path ?? ''} ${items.length} to ${seq - start}, missed ${missed}`;
    };
    return { ring, read };
  };

  it('shows a call with all there is to know of it, and no more than that', () => {
    const { ring } = filled(0);
    ring.add(call('/things/:id'));
    assert.deepEqual(ring.read(undefined).items, [
      {
        at: '2026-01-02T03:04:05.678Z',
        service: 'bff',
        instance: 'bff',
        method: 'GET',
        path: '/things/:id',
        status: 200,
        milliseconds: 1.23,
        traceId: '0123456789abcdef0123456789abcdef',
        upstreams: ['checkout-2', 'catalog-1'],
      },
    ]);
  });

  it('tells each reader what has come since, without a gap or a repetition', () => {
    const { ring, read } = filled(3);
    assert.equal(read(), '/1…/3 3 to 3, missed 0');
    assert.equal(read(3), '… 0 to 3, missed 0');
    for (const path of ['/4', '/5']) ring.add(call(path));
    assert.equal(read(3), '/4…/5 2 to 5, missed 0');
  });

  it('gives the latest two hundred, and counts what went by', () => {
    const { read } = filled(1_700);
    assert.equal(read(), '/1501…/1700 200 to 1700, missed 0');
    assert.equal(read(1_500), '/1501…/1700 200 to 1700, missed 0');
    assert.equal(read(1_499), '/1501…/1700 200 to 1700, missed 1');
    assert.equal(read(100), '/1501…/1700 200 to 1700, missed 1400');
  });

  it('begins anew for a reader of an earlier process', () => {
    const { read } = filled(250);
    assert.equal(read(-5_000), '/51…/250 200 to 250, missed 50');
    assert.equal(read(90_000), '/51…/250 200 to 250, missed 50');
  });
});

describe('the wire feed of a service', () => {
  let identity: TestIdentity;
  let server: HttpServer;
  const open = async (labMode: boolean): Promise<HttpServer> => {
    configureFaults({ labMode, faults: '' });
    const opened = await createHttpServer({
      name: 'test',
      instance: 'test-1',
      logger: createLogger({ service: 'test', instance: 'test-1', level: 'silent' }),
      metrics: createMetrics({ service: 'test', instance: 'test-1' }),
      checks: [],
      issuer: identity.url,
    });
    opened.get('/things/:id', async (request) => {
      await Promise.resolve();
      noteUpstream(request.headers['x-behind']);
      noteUpstream(undefined);
      return {};
    });
    opened.get('/relayed', async (_request, reply) => reply.header('x-served-by', 'checkout-1, catalog-2').send({}));
    opened.get('/over-and-over', { config: { offWire: true } }, async () => ({}));
    await opened.ready();
    return opened;
  };
  before(async () => {
    identity = await testIdentity();
    server = await open(true);
  });
  after(async () => {
    await server.close();
    await identity.close();
    configureFaults({ labMode: false, faults: '' });
  });

  const get = (url: string, token = identity.token(), headers: Record<string, string> = {}) =>
    server.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}`, ...headers } });
  const wire = async (after?: number): Promise<WirePage> => {
    const query = after === undefined ? '' : `?after=${after}`;
    const response = await get(`/lab/wire${query}`, identity.token({ roles: ['operator'] }));
    assert.equal(response.statusCode, 200);
    return response.json<WirePage>();
  };
  const brief = ({ method, path, status, upstreams }: WireCall): string =>
    `${method} ${path} ${status} ${upstreams.join('+')}`;

  it('has requests by their route, who served them behind, and their trace; nothing of operation and lab', async () => {
    const { seq } = await wire();
    const traceId = 'ab'.repeat(16);
    await get('/things/secret?token=secret', undefined, {
      traceparent: `00-${traceId}-${'cd'.repeat(8)}-01`,
      'x-behind': 'catalog-2',
    });
    await get('/things/other', undefined, { 'x-behind': 'catalog-1' });
    await get('/relayed');
    await get('/things/anonymous', 'none');
    await get('/nothing');
    await get('/things/watched', undefined, { 'user-agent': observerAgent });
    for (const quiet of ['/healthz', '/metrics', '/openapi.json', '/over-and-over', '/lab/faults']) await get(quiet);
    const { items } = await wire(seq);
    assert.deepEqual(items.map(brief), [
      'GET /things/:id 200 catalog-2',
      'GET /things/:id 200 catalog-1',
      'GET /relayed 200 checkout-1+catalog-2',
      'GET /things/:id 401 ',
      'GET none 404 ',
    ]);
    assert.equal(items[0]!.traceId, traceId);
    assert.equal(items[0]!.instance, 'test-1');
    assert.ok(!JSON.stringify(items).includes('secret'));
  });

  it('has the messages a consumer was handed, by their type', async () => {
    const { seq } = await wire();
    const channel = diagnostics.channel('ballast:consumed');
    const traceparent = `00-${'ef'.repeat(16)}-${'01'.repeat(8)}-01`;
    channel.publish({ type: 'ReserveStock', traceparent, handled: true, milliseconds: 3 });
    channel.publish({ type: null, traceparent: undefined, handled: false, milliseconds: 1 });
    const { items } = await wire(seq);
    assert.deepEqual(items.map(brief), ['AMQP consume ReserveStock 200 ', 'AMQP consume unreadable 500 ']);
    assert.deepEqual(
      items.map(({ traceId }) => traceId),
      ['ef'.repeat(16), null],
    );
  });

  it('is for operators, and is not there outside the lab', async () => {
    assert.equal((await get('/lab/wire')).statusCode, 403);
    const plain = await open(false);
    assert.equal(plain.wire, null);
    const response = await plain.inject({ method: 'GET', url: '/lab/wire' });
    assert.equal(response.statusCode, 404);
    await plain.close();
    configureFaults({ labMode: true, faults: '' });
  });
});
