import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, beforeEach, describe, it } from 'node:test';
import { ProblemError } from '@ballast/service';
import { until } from '@ballast/testing';
import { upstreamChecks } from '../src/clients/readiness.ts';
import { readLimits, writeLimits } from '../src/clients/requests.ts';
import { Upstream, type UpstreamResponse } from '../src/clients/upstream.ts';
import { FakeService, json, problemAnswer } from './fakes.ts';

/** No call here is about time: none may end because this machine stood still for some seconds. */
const timeoutMs = 60_000;

/** Sends a read; 503s of the bff's own come back as their error. */
async function read(upstream: Upstream): Promise<UpstreamResponse | ProblemError> {
  try {
    const path = `/x/${randomUUID()}`;
    return await upstream.send({ method: 'GET', path, headers: [], body: null, ...readLimits, timeoutMs });
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
}

describe('the circuit in front of a service', () => {
  const service = new FakeService('catalog-1');
  let upstream: Upstream;
  const kinds: string[] = [];

  /** A circuit that stays open for as long as any test takes, unless one is to see it half-open. */
  const connect = async (openMs = 60_000): Promise<void> => {
    await upstream?.close();
    const onFailure = (kind: string): void => void kinds.push(kind);
    upstream = new Upstream({ name: 'catalog', origins: [service.origin], openMs, onFailure });
  };
  beforeEach(async () => {
    if (service.port === 0) await service.start();
    service.answer = (_request, response) => json(response, 200, {});
    kinds.length = 0;
    await connect();
  });
  after(async () => {
    await upstream.close();
    await service.kill();
  });

  const open = async (): Promise<void> => {
    service.answer = (_request, response) => json(response, 500, {});
    await until('an open circuit', async () => {
      await read(upstream);
      return upstream.breaker.state === 'open';
    });
  };

  it('opens after ten answers of 500, then refuses at once and sends nothing, not even health probes', async () => {
    service.answer = (_request, response) => json(response, 500, {});
    const before = service.requests.length;
    for (let turn = 0; turn < 10; turn += 1) assert.equal((await read(upstream)).status, 500);
    assert.equal(upstream.breaker.state, 'open');
    const refused = await read(upstream);
    assert.ok(refused instanceof ProblemError);
    assert.equal(refused.status, 503);
    // What is left of the minute that it is open.
    const seconds = refused.retryAfterSeconds ?? 0;
    assert.ok(seconds > 30 && seconds <= 60, `${seconds} s`);
    await assert.rejects(upstreamChecks([upstream])[0]!.check(), /circuit is open/);
    assert.equal(service.requests.length - before, 10);
    assert.deepEqual(kinds, ['short-circuit']);
  });

  it('does not open for what callers did wrong, nor for a 503 that says when to come back', async () => {
    for (const status of [400, 404, 409, 422, 429]) {
      service.answer = (_request, response) => problemAnswer(response, status, 'x');
      for (let turn = 0; turn < 12; turn += 1) await read(upstream);
    }
    service.answer = (_request, response) => problemAnswer(response, 503, 'unavailable', { 'retry-after': '1' });
    for (let turn = 0; turn < 12; turn += 1) await read(upstream);
    assert.equal(upstream.breaker.state, 'closed');
    service.answer = (_request, response) => problemAnswer(response, 503, 'unavailable');
    for (let turn = 0; turn < 12; turn += 1) await read(upstream);
    assert.equal(upstream.breaker.state, 'open');
  });

  it('sends its one probe once, even where a read would be sent again', async () => {
    await connect(2_000);
    await open();
    service.answer = (_request, _response, raw) => void raw.socket.destroy();
    await until('half-open', () => upstream.breaker.state === 'half-open');
    await upstreamChecks([upstream])[0]!.check();
    const before = service.requests.length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => read(upstream)));
    assert.ok(answers.every(({ status }) => status === 503));
    assert.equal(service.requests.length - before, 1);
    // By what it has done: by now it may be half-open again.
    assert.deepEqual(
      upstream.breaker.transitions.slice(0, 3).map(({ to }) => to),
      ['open', 'half-open', 'open'],
    );
  });

  it('sends nothing more for calls that were being tried again when it opened', async () => {
    let hold: (() => void)[] = [];
    service.answer = (_request, _response, raw) => void hold.push(() => raw.socket.destroy());
    const slow = Array.from({ length: 12 }, () => read(upstream));
    await until('all to have arrived', () => hold.length === 12);
    const before = service.requests.length;
    await open();
    const opened = service.requests.length;
    for (const end of hold) end();
    hold = [];
    const answers = await Promise.all(slow);
    assert.ok(answers.every(({ status }) => status === 503));
    assert.equal(service.requests.length, opened);
    assert.ok(opened > before);
  });

  it('is open for two seconds where nothing else is said', async () => {
    const usual = new Upstream({ name: 'catalog', origins: [service.origin] });
    assert.equal(usual.breaker.openMs, 2_000);
    await usual.close();
  });

  it('counts no refusals of the bulkhead, and gives places back', async () => {
    const waiting: (() => void)[] = [];
    service.answer = (_request, response) => void waiting.push(() => json(response, 200, {}));
    const { limit } = upstream.bulkhead;
    const calls = Array.from({ length: limit + 20 }, () =>
      upstream.send({ method: 'POST', path: '/x', headers: [], body: null, ...writeLimits, timeoutMs }).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    assert.equal(upstream.bulkhead.inFlight, limit);
    const answering = setInterval(() => waiting.splice(0).forEach((answer) => answer()), 5);
    const answers = await Promise.all(calls);
    clearInterval(answering);
    assert.equal(answers.filter((status) => status === 0).length, 20);
    assert.deepEqual([upstream.bulkhead.refused, upstream.bulkhead.inFlight], [20, 0]);
    assert.deepEqual(upstream.breaker.totals, { answered: limit, failed: 0 });
    assert.equal(upstream.breaker.state, 'closed');
  });
});
