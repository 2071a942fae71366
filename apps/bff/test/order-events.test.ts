import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until, type TestDatabase } from '@ballast/testing';
import { eventStreams } from '../src/clients/event-stream.ts';
import { Upstream, type OpenStream } from '../src/clients/upstream.ts';
import { FakeIdentity, FakeService, problemAnswer } from './fakes.ts';
import { freshDatabase, startBff, type Bff } from './support.ts';

describe("an order's live stream", () => {
  const identity = new FakeIdentity();
  const open: ServerResponse[] = [];
  const checkout = new FakeService('checkout-1');
  let database: TestDatabase;
  let environment: Record<string, string>;
  let bff: Bff;

  before(async () => {
    database = await freshDatabase();
    await identity.start();
    await checkout.start();
    environment = { POSTGRES_URL: database.url, IDENTITY_URL: identity.origin, CHECKOUT_URLS: checkout.origin };
    bff = await startBff(environment);
  });
  after(async () => {
    await bff.stop();
    await identity.kill();
    await checkout.kill();
    await database.drop();
  });
  beforeEach(async () => {
    open.length = 0;
    checkout.requests.length = 0;
    checkout.answer = (_request, response) => {
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'set-cookie': 'inner=1',
        'cache-control': 'private',
      });
      response.write('event: snapshot\ndata: {"state":"Initiated"}\nid: 1\n\n');
      open.push(response);
    };
    await until('earlier streams are over', () => checkout.sockets.size === 0);
  });

  const listen = async (
    origin = bff.origin,
    headers: Record<string, string> = {},
  ): Promise<{ response: Response; text: () => string; stop: () => void; ended: Promise<void> }> => {
    const controller = new AbortController();
    const response = await fetch(`${origin}/api/orders/${randomUUID()}/events`, {
      headers: { authorization: `Bearer ${identity.accessToken()}`, ...headers },
      signal: controller.signal,
    });
    let text = '';
    const ended = (async () => {
      try {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
      } catch (error) {
        if (!controller.signal.aborted) throw error;
      }
    })();
    return { response, text: () => text, stop: () => controller.abort(), ended };
  };

  it('comes through event by event, unbuffered and uncached', async () => {
    const stream = await listen();
    assert.equal(stream.response.status, 200);
    assert.equal(stream.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(stream.response.headers.get('cache-control'), 'no-store');
    assert.equal(stream.response.headers.get('x-accel-buffering'), 'no');
    assert.equal(stream.response.headers.get('x-instance'), 'bff-test');
    assert.equal(stream.response.headers.get('x-served-by'), 'checkout-1');
    assert.equal(stream.response.headers.get('set-cookie'), null);
    await until('the snapshot', () => stream.text().includes('Initiated'));
    open[0]!.write('event: transition\ndata: {"to":"StockReserved"}\nid: 2\n\n');
    await until('the transition', () => stream.text().includes('StockReserved'));
    open[0]!.end('event: end\ndata: {}\n\n');
    await stream.ended;
    assert.match(stream.text(), /event: end\ndata: \{\}\n\n$/);
  });

  it('resumes where the browser left off', async () => {
    const stream = await listen(bff.origin, { 'last-event-id': '4' });
    assert.equal(checkout.calls[0]?.headers['last-event-id'], '4');
    assert.equal(checkout.calls[0]?.headers.accept, 'text/event-stream, application/problem+json');
    stream.stop();
    const bad = await fetch(`${bff.origin}/api/orders/${randomUUID()}/events`, {
      headers: { authorization: `Bearer ${identity.accessToken()}`, 'last-event-id': 'x'.repeat(5_000) },
    });
    assert.equal(bad.status, 400);
  });

  it('ends at checkout when the reader goes, and leaves no connection', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, async () => await listen()));
    assert.equal(checkout.sockets.size, 20);
    for (const stream of streams) stream.stop();
    await until('no connection to checkout is left', () => checkout.sockets.size === 0);
    await until('none to be counted', async () =>
      /^bff_open_streams\S* 0$/m.test(await (await fetch(`${bff.origin}/metrics`)).text()),
    );
  });

  it('ends for the reader when checkout is lost, so that the browser reconnects', async () => {
    const stream = await listen();
    await until('the snapshot', () => stream.text().includes('Initiated'));
    open[0]!.write('event: transition\nda');
    open[0]!.socket?.destroy();
    await stream.ended;
    const again = await listen();
    assert.equal(again.response.status, 200);
    again.stop();
  });

  it('ends when this bff is shutting down', async () => {
    const leaving = await startBff(environment);
    const stream = await listen(leaving.origin);
    leaving.server.startDraining();
    await stream.ended;
    const refused = await listen(leaving.origin);
    assert.equal(refused.response.status, 503);
    await leaving.stop();
  });

  it('is refused as checkout refuses it', async () => {
    checkout.answer = (_request, response) => problemAnswer(response, 404, 'unknown-order');
    const stream = await listen();
    assert.equal(stream.response.status, 404);
    await stream.ended;
    assert.equal((JSON.parse(stream.text()) as { code: string }).code, 'unknown-order');
    const anonymous = await fetch(`${bff.origin}/api/orders/${randomUUID()}/events`);
    assert.equal(anonymous.status, 401);
    const head = await fetch(`${bff.origin}/api/orders/${randomUUID()}/events`, { method: 'HEAD' });
    assert.equal(head.status, 404);
  });

  it('has a bounded number for one reader', async () => {
    const token = { authorization: `Bearer ${identity.accessToken()}` };
    const streams = await Promise.all(Array.from({ length: 20 }, async () => await listen(bff.origin, token)));
    assert.deepEqual(new Set(streams.map(({ response }) => response.status)), new Set([200]));
    const further = await listen(bff.origin, token);
    assert.equal(further.response.status, 429);
    assert.notEqual(further.response.headers.get('retry-after'), null);
    streams[0]!.stop();
    await until('a place is free again', async () => {
      const next = await listen(bff.origin, token);
      next.stop();
      return next.response.status === 200;
    });
    for (const stream of streams) stream.stop();
  });

  it("goes at the reader's pace", async () => {
    let written = 0;
    checkout.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunk = Buffer.alloc(64 * 1024, 'x');
      const more = (): void => {
        while (written < 64 * 1024 * 1024 && !response.destroyed) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
      };
      more();
    };
    const socket: Socket = connect(Number(new URL(bff.origin).port), '127.0.0.1');
    socket.pause();
    socket.write(
      `GET /api/orders/${randomUUID()}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${identity.accessToken()}\r\n\r\n`,
    );
    await until('checkout begins', () => written > 0);
    let last = -1;
    await until('checkout is held back', async () => {
      const same = written === last;
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return same;
    });
    // A busy machine may only seem to hold it back here, never to have taken too much.
    assert.ok(written < 32 * 1024 * 1024, `${written} bytes went on for a reader that reads none`);
    socket.destroy();
    await until('the connection to checkout is closed', () => checkout.sockets.size === 0);
  });

  it('is given up after a silence', async () => {
    const upstream = new Upstream({ name: 'checkout', origins: [checkout.origin] });
    const streams = eventStreams({ silenceLimitMs: 100 });
    const source = (await upstream.open({
      method: 'GET',
      path: '/x',
      headers: [],
      body: null,
      repeatable: true,
      // Only the silence is to end it, not the time until it begins.
      timeoutMs: 60_000,
    })) as OpenStream;
    const { createServer } = await import('node:http');
    const server = createServer((_request, response) => streams.pipe(source, response, {}, () => server.close()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    // Checkout says no more and closes nothing: what ends it is the silence.
    const text = await (await fetch(`http://127.0.0.1:${port}/`)).text().catch(() => 'cut off');
    // Where this process stood still meanwhile, the silence is over before the first event is read.
    assert.ok(['', 'cut off'].includes(text) || text.includes('Initiated'), text);
    await until('the connection to checkout is closed', () => checkout.sockets.size === 0);
    await upstream.close();
  });
});
