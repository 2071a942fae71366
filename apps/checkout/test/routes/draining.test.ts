/** Streams of orders while the process is on its way out: none may hold it up. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until, type RunningApp } from '@ballast/testing';
import { openStream } from '../stream.ts';
import { openBench, placed, type Bench, type Person } from '../support.ts';

describe('the stream of an order that has not ended', () => {
  let bench: Bench;
  let app: RunningApp;
  let person: Person;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
    person = bench.person();
  });
  after(() => bench.close());

  it('ends when the process begins to, and at once when it is opened after that', async () => {
    const orderId = await placed(app, person);
    const url = `${app.url}/orders/${orderId}/events`;
    const before = await openStream(url, person.token);
    await before.reached('Initiated');
    app.server.startDraining();
    await until('the open one to end', () => before.ended);
    const late = await openStream(url, person.token);
    try {
      await until('the late one to end', () => late.ended);
      assert.equal(late.events[0]?.event, 'snapshot');
    } finally {
      late.leave();
    }
  });
});
