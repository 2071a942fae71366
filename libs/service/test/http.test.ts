import diagnostics from 'node:diagnostics_channel';
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { Type } from 'typebox';
import {
  createHttpServer,
  createLogger,
  createMetrics,
  currentTraceparent,
  ProblemError,
  type HttpServer,
} from '../src/index.ts';

describe('the HTTP server every service uses', () => {
  let server: HttpServer;
  let databaseUp = true;

  before(async () => {
    server = await createHttpServer({
      name: 'test',
      instance: 'test-1',
      logger: createLogger({ service: 'test', instance: 'test-1', level: 'silent' }),
      metrics: createMetrics({ service: 'test', instance: 'test-1' }),
      checks: [
        {
          name: 'database',
          check: async () => {
            if (!databaseUp) throw new Error('connection refused');
          },
        },
      ],
    });
    const body = Type.Object(
      { quantity: Type.Integer({ minimum: 1 }), note: Type.Optional(Type.String()) },
      { additionalProperties: false },
    );
    server.post('/things', { schema: { body } }, async (request) => ({ quantity: request.body.quantity }));
    server.get(
      '/things',
      {
        schema: {
          querystring: Type.Object(
            { limit: Type.Integer({ maximum: 10, default: 3 }), query: Type.Optional(Type.String()) },
            { additionalProperties: false },
          ),
        },
      },
      async (request) => request.query,
    );
    server.get('/by-id/:id', async () => ({}));
    server.get('/boom', async () => {
      throw new Error('the password is hunter2');
    });
    server.get('/busy', async () => {
      throw new ProblemError('unavailable', 'Busy.', { retryAfterSeconds: 7 });
    });
    server.get('/trace', async () => ({ traceparent: currentTraceparent() }));
    await server.listen({ port: 0, host: '127.0.0.1' });
  });
  after(() => server.close());

  const post = (payload: string, type = 'application/json') =>
    server.inject({ method: 'POST', url: '/things', payload, headers: { 'content-type': type } });

  it('names the field that is wrong', async () => {
    for (const [payload, field] of [
      ['{"quantity":0}', 'quantity'],
      ['{"quantity":1.5}', 'quantity'],
      ['{"quantity":"1"}', 'quantity'],
      ['{}', 'quantity'],
      ['{"quantity":1,"price":1}', 'price'],
      ['{"quantity":1,"note":"a\\u0000b"}', 'note'],
      ['{"quantity":1,"note":"\\ud800"}', 'note'],
    ] as const) {
      const response = await post(payload);
      assert.equal(response.statusCode, 422, payload);
      assert.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8');
      assert.equal(response.json().field, field, payload);
    }
  });

  it('answers what is not JSON, too large, or of another type with its own code', async () => {
    assert.equal((await post('{"quantity":')).json().code, 'malformed-json');
    assert.equal((await post('{"__proto__":{"a":1},"quantity":1}')).json().code, 'malformed-json');
    assert.equal((await post(JSON.stringify({ note: 'x'.repeat(100_000) }))).json().code, 'too-large');
    assert.equal((await post('quantity=1', 'text/plain')).json().code, 'unsupported-media-type');
    assert.equal((await post('')).statusCode, 422);
  });

  it('converts query values and fills in defaults', async () => {
    assert.deepEqual((await server.inject('/things?limit=7')).json(), { limit: 7 });
    assert.deepEqual((await server.inject('/things')).json(), { limit: 3 });
    assert.equal((await server.inject('/things?limit=11')).json().field, 'limit');
    assert.equal((await server.inject('/things?query=%00')).json().field, 'query');
    assert.equal((await server.inject('/things?other=1')).json().field, 'other');
    for (const text of ['1.5', '', '0x3', 'true', '1e0', ' 1']) {
      assert.equal((await server.inject(`/things?limit=${encodeURIComponent(text)}`)).json().field, 'limit', text);
    }
  });

  it('answers paths the router cannot use as problems too', async () => {
    for (const [path, status] of [
      ['/things/%zz', 400],
      [`/by-id/${'x'.repeat(500)}`, 414],
      ['/nowhere', 404],
    ] as const) {
      const response = await server.inject(path);
      assert.equal(response.statusCode, status, path);
      assert.equal(response.headers['content-type'], 'application/problem+json; charset=utf-8');
    }
  });

  it('keeps the inside of an error inside', async () => {
    const response = await server.inject('/boom');
    assert.equal(response.statusCode, 500);
    assert.ok(!response.body.includes('hunter2'));
  });

  it('says when to come back', async () => {
    const response = await server.inject('/busy');
    assert.equal(response.statusCode, 503);
    assert.equal(response.headers['retry-after'], '7');
  });

  it('carries the trace on and names its instance', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await server.inject({
      url: '/trace',
      headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
    });
    assert.equal(response.json().traceparent.slice(3, 35), trace);
    assert.equal(response.headers['x-instance'], 'test-1');
    const made = await server.inject({ url: '/trace', headers: { traceparent: 'nonsense' } });
    assert.match(made.json().traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('names the dependency that keeps it from being ready', async () => {
    assert.equal((await server.inject('/readyz')).statusCode, 200);
    databaseUp = false;
    const response = await server.inject('/readyz');
    databaseUp = true;
    assert.equal(response.statusCode, 503);
    assert.deepEqual(response.json().failing, { database: 'connection refused' });
    assert.equal((await server.inject('/healthz')).statusCode, 200);
  });

  it('describes itself and its metrics', async () => {
    assert.equal((await server.inject('/openapi.json')).json().info.title, 'Ballast test');
    const metrics = (await server.inject('/metrics')).body;
    assert.match(metrics, /http_requests_total\{kind="request",method="POST",route="\/things",status="\d+"/);
    assert.match(metrics, /http_request_duration_seconds_count\{.*kind="request"/);
    assert.match(metrics, /http_requests_total\{kind="operation",method="GET",route="\/readyz",status="503".*\} 1/);
  });

  it('counts what libraries tell on their diagnostics channel', async () => {
    const told = { name: 'messages_consumed_total', labels: { queue: 'test.queue', outcome: 'handled' } };
    diagnostics.channel('ballast:count').publish(told);
    diagnostics.channel('ballast:count').publish(told);
    assert.match(
      (await server.inject('/metrics')).body,
      /messages_consumed_total\{queue="test.queue",outcome="handled".*\} 2/,
    );
  });

  it('answers bytes that are not HTTP with a 400 and goes on', async () => {
    const address = server.server.address();
    assert.ok(address !== null && typeof address === 'object');
    const socket = connect(address.port, '127.0.0.1');
    socket.write('\u0001\u0002 nonsense\r\n\r\n');
    const [bytes] = await once(socket, 'data');
    assert.match(String(bytes), /^HTTP\/1\.1 400 /);
    socket.destroy();
    assert.equal((await server.inject('/healthz')).statusCode, 200);
  });
});
