/** One call to the API: what is sent, what is repeated, and what a person is told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClient } from '../src/api/client.ts';
import type { ClientSurroundings } from '../src/api/client.ts';
import { ApiError, errorFromAnswer, fieldName, parseRetryAfter, sentenceOf } from '../src/api/errors.ts';

type Sent = { headers: Headers; method: string };

const problem = (status: number, code: string, detail: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ type: 'about:blank', title: code, status, code, detail, retryable: false }), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });

/** A client whose network gives these answers in turn; an `Error` stands for no answer. */
function clientWith(answers: (Response | Error)[], overrides: Partial<ClientSurroundings> = {}) {
  const sent: Sent[] = [];
  const waits: number[] = [];
  const reachable: boolean[] = [];
  let unauthenticated = 0;
  let renewals = 0;
  const call = createClient({
    fetch: async (_address, init) => {
      sent.push({ headers: new Headers(init?.headers), method: init?.method ?? '' });
      const answer = answers.shift();
      if (answer === undefined) throw new Error('the test has no more answers');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    csrfToken: async () => 'first-token',
    renewCsrfToken: async () => {
      renewals += 1;
      return 'second-token';
    },
    onUnauthenticated: () => {
      unauthenticated += 1;
    },
    onReachable: (reached) => reachable.push(reached),
    onWaiting: () => undefined,
    wait: async (seconds) => {
      waits.push(seconds);
    },
    now: () => 0,
    isOnline: () => true,
    ...overrides,
  });
  return { call, sent, waits, reachable, counts: () => ({ unauthenticated, renewals }) };
}

const failureOf = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => assert.fail('the call should have failed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError);
  return error;
};

describe('a call', () => {
  it('an answer that breaks off in the middle is no answer, and is told as that', async () => {
    const torn = (): Response =>
      new Response(
        new ReadableStream({
          start: (body) => {
            body.enqueue(new TextEncoder().encode('{"half":'));
            body.error(new TypeError('network error'));
          },
        }),
      );
    const { call, reachable } = clientWith([torn()]);
    const { details } = await failureOf(call('/api/orders'));
    assert.equal(details.kind, 'unreachable');
    assert.deepEqual(reachable, [false]);
  });

  it('sends the CSRF token with what changes something, and not with what reads', async () => {
    const { call, sent } = clientWith([json({}), json({})]);
    await call('/api/products');
    await call('/api/orders', { method: 'POST', body: {}, idempotencyKey: 'key' });
    assert.equal(sent[0]?.headers.get('x-csrf-token'), null);
    assert.equal(sent[1]?.headers.get('x-csrf-token'), 'first-token');
    assert.equal(sent[1]?.headers.get('idempotency-key'), 'key');
  });

  it('tells the head of every answer, and waits for nothing where the refusal is the point', async () => {
    const { call, waits } = clientWith([problem(429, 'rate-limited', 'Too much.', { 'retry-after': '3' })]);
    const heads: [number, string | null][] = [];
    const error = await failureOf(
      call('/api/lab/buckets', {
        patient: false,
        onAnswer: ({ status, headers }) => heads.push([status, headers.get('retry-after')]),
      }),
    );
    assert.equal(error.details.retryAfterSeconds, 3);
    assert.deepEqual(heads, [[429, '3']]);
    assert.deepEqual(waits, []);
  });

  it('fetches a fresh CSRF token once when the old one is refused', async () => {
    const refused = () => problem(403, 'csrf_invalid', 'The page is out of date.');
    const once = clientWith([refused(), json({ done: true })]);
    assert.deepEqual(await once.call('/api/auth/logout', { method: 'POST' }), { done: true });
    assert.equal(once.sent[1]?.headers.get('x-csrf-token'), 'second-token');

    const twice = clientWith([refused(), refused()]);
    const error = await failureOf(twice.call('/api/auth/logout', { method: 'POST' }));
    assert.equal(error.details.status, 403);
    assert.equal(twice.counts().renewals, 1);
  });

  it('waits as long as it is asked to and goes on by itself', async () => {
    const { call, waits } = clientWith([problem(429, 'rate', 'Slow down.', { 'retry-after': '3' }), json([1])]);
    assert.deepEqual(await call('/api/products'), [1]);
    assert.deepEqual(waits, [3]);
  });

  it('gives up waiting after three tries, or when the wait is too long for anybody', async () => {
    const busy = (seconds: string) => problem(503, 'busy', 'Busy.', { 'retry-after': seconds });
    const often = clientWith([busy('1'), busy('1'), busy('1')]);
    await failureOf(often.call('/api/products'));
    assert.equal(often.sent.length, 3);

    const long = clientWith([busy('60')]);
    const error = await failureOf(long.call('/api/products'));
    assert.equal(long.sent.length, 1);
    assert.equal(sentenceOf(error), 'A part of the shop is not answering right now. You can try again in 60 seconds.');
  });

  it('never repeats a POST without an idempotency key', async () => {
    const { call, sent } = clientWith([problem(503, 'busy', 'Busy.', { 'retry-after': '1' })]);
    await failureOf(call('/api/auth/login', { method: 'POST', body: {} }));
    assert.equal(sent.length, 1);
  });

  it('waits for the first call with the same key to be answered', async () => {
    const { call, waits } = clientWith([problem(409, 'in_progress', 'Still running.'), json({ orderId: 'x' }, 202)]);
    assert.deepEqual(await call('/api/orders', { method: 'POST', idempotencyKey: 'key' }), { orderId: 'x' });
    assert.deepEqual(waits, [1]);
  });

  it('tells the pages when the session is over, but not when signing in fails', async () => {
    const over = clientWith([problem(401, 'unauthenticated', 'Please sign in.')]);
    await failureOf(over.call('/api/orders'));
    assert.equal(over.counts().unauthenticated, 1);

    const wrong = clientWith([problem(401, 'bad_credentials', 'No match.')]);
    await failureOf(wrong.call('/api/auth/login', { method: 'POST', ownsUnauthenticated: true }));
    assert.equal(wrong.counts().unauthenticated, 0);
  });

  it('says that the shop cannot be reached when there is no answer', async () => {
    const { call, reachable } = clientWith([new TypeError('Failed to fetch')]);
    const error = await failureOf(call('/api/products'));
    assert.equal(error.details.kind, 'unreachable');
    assert.deepEqual(reachable, [false]);
  });

  it('does not call it a failure when the page itself gives up', async () => {
    const abort = new AbortController();
    const { call, reachable } = clientWith([new DOMException('Aborted', 'AbortError')]);
    abort.abort();
    await assert.rejects(call('/api/products', { signal: abort.signal }), { name: 'AbortError' });
    assert.deepEqual(reachable, []);
  });

  it('answers with nothing for an empty answer, and refuses what is not JSON', async () => {
    const { call } = clientWith([new Response(null, { status: 204 }), new Response('<html>')]);
    assert.equal(await call('/api/auth/logout', { method: 'POST' }), undefined);
    assert.equal((await failureOf(call('/api/products'))).details.kind, 'unexpected');
  });
});

describe('errors', () => {
  const errorOf = (status: number, body: string) => errorFromAnswer({ status, body, retryAfter: null }, 0);

  it("show the problem's own sentence and name the field to blame", () => {
    const body = JSON.stringify({ code: 'invalid', detail: 'This address is taken.', field: '/body/email' });
    const error = errorOf(422, body);
    assert.equal(error.message, 'This address is taken.');
    assert.equal(error.details.field, 'email');
  });

  it('keep to themselves what a failing service says of itself, and waits that are over at once', () => {
    const body = JSON.stringify({ code: 'unavailable', detail: 'Something this request needs is not answering.' });
    const error = errorFromAnswer({ status: 503, body, retryAfter: '1' }, 0);
    assert.equal(sentenceOf(error), 'A part of the shop is not answering right now.');
    assert.equal(error.willPass, true);
    assert.equal(errorOf(404, '').willPass, false);
  });

  it('find words of their own where the answer has none', () => {
    for (const body of ['', '<html>', '{}', 'null', '{"code":"x","detail":" "}']) {
      assert.match(errorOf(500, body).message, /our side/, body);
      assert.match(errorOf(502, body).message, /not answering/, body);
      assert.match(errorOf(404, body).message, /not be found/, body);
    }
  });

  it('know whether an order may have been placed all the same', () => {
    const unknown = [409, 500, 502, 503, 504].map((status) => errorOf(status, '').outcomeUnknown);
    const known = [400, 401, 403, 404, 422, 429].map((status) => errorOf(status, '').outcomeUnknown);
    assert.deepEqual(new Set(unknown), new Set([true]));
    assert.deepEqual(new Set(known), new Set([false]));
  });

  it('read Retry-After as seconds or as a date', () => {
    const now = Date.parse('2026-11-21T09:00:00Z');
    assert.equal(parseRetryAfter('7', now), 7);
    assert.equal(parseRetryAfter('Sat, 21 Nov 2026 09:00:30 GMT', now), 30);
    assert.equal(parseRetryAfter('Sat, 21 Nov 2026 08:00:00 GMT', now), 0);
    assert.equal(parseRetryAfter('soon', now), null);
    assert.equal(parseRetryAfter(null, now), null);
  });

  it('take the field name from pointers and parameter names', () => {
    assert.deepEqual(['/email', 'email', '/lines/0/quantity', 'body.payment.method'].map(fieldName), [
      'email',
      'email',
      'quantity',
      'method',
    ]);
    assert.equal(fieldName(undefined), null);
  });
});
