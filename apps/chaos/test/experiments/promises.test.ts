/** Whether accepted orders exist: only a 404 says that one does not. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createAsker, type Asker } from '../../src/clients/http.ts';
import { missingOrders } from '../../src/experiments/promises.ts';
import type { AcceptedOrder } from '../../src/load/load.ts';

describe('looking for accepted orders', () => {
  let asker: Asker;
  let bffUrl: string;
  let asked: string[];
  let tokens: Set<string | undefined>;
  /** The status for an order, by how often it was asked for before; 0 loses the answer. */
  let status: (orderId: string, earlier: number) => number;
  const server = createServer((request, response) => {
    const orderId = /^\/api\/orders\/(.+)$/.exec(request.url!)![1]!;
    const earlier = asked.filter((each) => each === orderId).length;
    asked.push(orderId);
    tokens.add(request.headers.authorization);
    const code = status(orderId, earlier);
    if (code === 0) request.socket.destroy();
    else response.writeHead(code).end('{}');
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    bffUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    asker = createAsker();
  });
  beforeEach(() => {
    asked = [];
    tokens = new Set();
    status = () => 200;
  });
  after(async () => {
    await asker.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const orders = (count: number): AcceptedOrder[] =>
    Array.from({ length: count }, (_, at) => ({ orderId: randomUUID(), at }));
  const missing = (accepted: readonly AcceptedOrder[]): Promise<string[]> =>
    missingOrders(accepted, {
      asker,
      bffUrl,
      operator: {
        authorization: () => 'Bearer operator',
        refused: () => {},
        start: async () => {},
        stop: () => {},
      },
    });

  it('finds those that are not there, and asks as an operator', async () => {
    const accepted = orders(20);
    const lost = [accepted[3]!.orderId, accepted[19]!.orderId];
    status = (orderId) => (lost.includes(orderId) ? 404 : 200);
    assert.deepEqual((await missing(accepted)).toSorted(), lost.toSorted());
    assert.deepEqual([asked.length, [...tokens]], [20, ['Bearer operator']]);
    assert.deepEqual(await missing([]), []);
  });

  it('asks again where an answer was lost or says nothing', async () => {
    status = (_orderId, earlier) => [0, 503, 401, 200][earlier]!;
    assert.deepEqual(await missing(orders(2)), []);
    assert.equal(asked.length, 8);
  });

  it('never takes silence for an answer', async () => {
    const accepted = orders(3);
    status = (orderId) => (orderId === accepted[1]!.orderId ? 503 : 200);
    await assert.rejects(missing(accepted), new RegExp(`whether order ${accepted[1]!.orderId} exists`));
  });

  it('asks for two hundred at most, spread over all of them, the latest included', async () => {
    const accepted = orders(1_001);
    await missing(accepted);
    assert.ok(asked.length <= 200 && asked.length >= 150, `${asked.length}`);
    const places = asked
      .map((orderId) => accepted.findIndex((order) => order.orderId === orderId))
      .toSorted((one, other) => one - other);
    assert.equal(places.at(-1), 1_000);
    assert.ok(places[0]! < 10);
    assert.ok(places.every((place, at) => at === 0 || place - places[at - 1]! < 10));
  });
});
