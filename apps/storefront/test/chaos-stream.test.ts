/** The live stream of `/chaos`, against a server that answers, breaks off, falls silent and refuses as it is told. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import { connectionDetail, notConnected, pauseBefore, reduceConnection } from '../src/chaos/connection.ts';
import type { Connection, ConnectionAction, LinkState } from '../src/chaos/connection.ts';
import { createEventReader } from '../src/chaos/sse.ts';
import { openStream } from '../src/state/chaos-stream.ts';
import type { Stream } from '../src/state/chaos-stream.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

type Told = { name: string; data: unknown };

const endings: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A server that gives the first caller the first answer and so on, the last of them to all who follow. */
async function serve(...answers: Answer[]): Promise<{ address: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answers[Math.min(seen.length, answers.length) - 1]?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`, seen };
}

/** Follows a stream and writes down what it says; `now` is its clock. */
function follow(
  address: string,
  now: () => number = Date.now,
): { stream: Stream; told: Told[]; states: LinkState[]; now: () => Connection } {
  const told: Told[] = [];
  const states: LinkState[] = [];
  let connection = notConnected;
  const stream = openStream(
    address,
    {
      connection(action) {
        connection = reduceConnection(connection, action);
        if (states.at(-1) !== connection.state) states.push(connection.state);
      },
      event: (name, data) => told.push({ name, data }),
    },
    { fetch, now, random: () => 0 },
  );
  endings.push(() => stream.close());
  return { stream, told, states, now: () => connection };
}

const head = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
};
const event = (id: string, name: string, data: unknown): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

describe('reading server-sent events', () => {
  it('puts events together however they were cut, with any end of line', () => {
    const text = 'id: e-1\r\nevent: phase\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: comment\n\nid: e-2\rdata: last\r\r\n';
    for (let cut = 0; cut <= text.length; cut += 1) {
      const reader = createEventReader();
      assert.deepEqual(
        [...reader.feed(text.slice(0, cut)), ...reader.feed(text.slice(cut))],
        [
          { id: 'e-1', name: 'phase', data: '{"a":\n1}' },
          { id: 'e-2', name: 'message', data: 'last' },
        ],
        `cut at ${cut}`,
      );
    }
  });

  it('keeps nothing of an event that never ends', () => {
    const reader = createEventReader();
    assert.throws(() => {
      for (let round = 0; round < 100; round += 1) reader.feed(`data: ${'x'.repeat(100_000)}\n`);
    }, RangeError);
  });
});

describe('the live stream', () => {
  it('connects, waits for its snapshot, and is live', async () => {
    let send: (text: string) => void = () => undefined;
    const { address } = await serve((_request, response) => {
      head(response);
      response.write(':\n\n');
      send = (text) => response.write(text);
    });
    const follower = follow(address);
    await until('waiting', async () => follower.now().state === 'waiting');
    assert.deepEqual(follower.told, []);
    send(event('a-1', 'snapshot', { at: 'now' }));
    await until('live', async () => follower.now().state === 'live');
    assert.deepEqual(follower.told, [{ name: 'snapshot', data: { at: 'now' } }]);
    assert.deepEqual(follower.states, ['connecting', 'waiting', 'live']);
  });

  it('goes on from the last event it has had when the line breaks', async () => {
    const { address, seen } = await serve(
      (_request, response) => {
        head(response);
        response.write(event('a-1', 'snapshot', {}) + event('a-2', 'load', 1), () => response.destroy());
      },
      (_request, response) => {
        head(response);
        response.write(event('a-3', 'load', 2));
      },
    );
    const follower = follow(address);
    await until('the third event', async () => follower.told.length === 3);
    assert.equal(seen[0]?.headers['last-event-id'], undefined);
    assert.equal(seen[1]?.headers['last-event-id'], 'a-2');
    assert.deepEqual(follower.states, ['connecting', 'waiting', 'live', 'reconnecting', 'live']);
  });

  it('takes three seconds of silence for a broken line, and comment lines for signs of life', async () => {
    let beat: () => void = () => undefined;
    const { address, seen } = await serve(
      (_request, response) => {
        head(response);
        response.write(event('a-1', 'snapshot', {}));
        beat = () => response.write(':\n\n');
      },
      (_request, response) => {
        head(response);
        response.write(event('a-2', 'load', 2));
      },
    );
    let time = 0;
    const follower = follow(address, () => time);
    await until('live', async () => follower.now().state === 'live');
    for (let beats = 0; beats < 5; beats += 1) {
      time += 2_000;
      beat();
      await until('a sign of life', async () => follower.now().heardAt === time);
    }
    assert.equal(seen.length, 1, 'ten seconds with comments only');
    time += 3_001;
    await until('another try', async () => follower.told.length === 2);
    assert.equal(seen[1]?.headers['last-event-id'], 'a-1');
    assert.deepEqual(follower.states, ['connecting', 'waiting', 'live', 'reconnecting', 'live']);
  });

  it('asks again after an answer that will pass, and waits as long as it was asked to', async () => {
    const { address, seen } = await serve(
      (_request, response) => response.writeHead(503, { 'retry-after': '1' }).end(),
      (_request, response) => {
        head(response);
        response.write(event('a-1', 'snapshot', {}));
      },
    );
    const begin = Date.now();
    const follower = follow(address);
    await until('live', async () => follower.now().state === 'live');
    assert.equal(seen.length, 2);
    assert.ok(Date.now() - begin >= 990, 'it has waited a second');
    assert.deepEqual(follower.states, ['connecting', 'waiting', 'live']);
  });

  it('tries at once when it is told that there is hope', async () => {
    const { address } = await serve(
      (_request, response) => response.writeHead(503, { 'retry-after': '30' }).end(),
      (_request, response) => {
        head(response);
        response.write(event('a-1', 'snapshot', {}));
      },
    );
    const follower = follow(address);
    await until('a pause', async () => follower.now().retryAt !== null);
    follower.stream.hurry();
    await until('live', async () => follower.now().state === 'live');
  });

  for (const status of [401, 403, 404]) {
    it(`does not ask again after ${status}`, async () => {
      const { address, seen } = await serve((_request, response) => response.writeHead(status).end());
      const follower = follow(address);
      await until('refused', async () => follower.now().state === 'refused');
      assert.equal(follower.now().status, status);
      assert.equal(seen.length, 1);
    });
  }

  it('asks for a snapshot after something it cannot read', async () => {
    const { address, seen } = await serve(
      (_request, response) => {
        head(response);
        response.write(`${event('a-1', 'snapshot', {})}id: a-2\nevent: load\ndata: {broken\n\n`);
      },
      (_request, response) => {
        head(response);
        response.write(event('b-1', 'snapshot', { again: true }));
      },
    );
    const follower = follow(address);
    await until('the second snapshot', async () => follower.told.length === 2);
    assert.equal(seen[1]?.headers['last-event-id'], undefined);
  });

  it('asks nobody any more once it is closed', async () => {
    const { address, seen } = await serve((_request, response) => response.destroy());
    const follower = follow(address);
    await until('a pause', async () => follower.now().retryAt !== null);
    const tries = seen.length;
    follower.stream.close();
    follower.stream.hurry();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(seen.length, tries);
  });
});

describe('the connection', () => {
  const after = (...actions: ConnectionAction[]): Connection => actions.reduce(reduceConnection, notConnected);
  const live: ConnectionAction[] = [
    { type: 'opened', at: 0 },
    { type: 'heard', at: 1_000, event: true },
  ];

  it('tells the age of what is shown and when it tries again', () => {
    const broken = after(...live, { type: 'broken', why: 'the connection broke off', retryAt: 9_000 });
    assert.equal(broken.state, 'reconnecting');
    assert.equal(
      connectionDetail(broken, 6_100),
      'the connection broke off; what you see is 5 s old; trying again in 3 s',
    );
    assert.equal(connectionDetail(after(...live), 2_000), '');
  });

  it('is not live again before something was told', () => {
    const reopened = after(
      ...live,
      { type: 'broken', why: '', retryAt: 0 },
      { type: 'opening' },
      { type: 'opened', at: 2_000 },
    );
    assert.equal(reopened.state, 'reconnecting');
    assert.equal(reduceConnection(reopened, { type: 'heard', at: 2_100, event: false }).state, 'reconnecting');
    assert.equal(reduceConnection(reopened, { type: 'heard', at: 2_100, event: true }).state, 'live');
  });

  it('waits longer each time, half of it by chance, never longer than 15 s', () => {
    assert.deepEqual(
      [0, 1, 2, 10, 99].map((attempt) => pauseBefore(attempt, 1)),
      [500, 1_000, 2_000, 15_000, 15_000],
    );
    assert.equal(pauseBefore(3, 0), 2_000);
  });
});
