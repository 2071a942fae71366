/** `/metrics-view` asks with measure, and never calls live what is not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PanelData } from '@ballast/contracts';
import { ApiError, errorFromAnswer, errorWithoutAnswer } from '../src/api/errors.ts';
import {
  failureOf,
  freshnessDetail,
  freshnessOf,
  isBehind,
  isOld,
  nothingKnown,
  recordAnswer,
  recordFailure,
  staleAfterMilliseconds,
} from '../src/metrics/freshness.ts';
import type { PanelRecord } from '../src/metrics/freshness.ts';
import { createPoller } from '../src/metrics/poller.ts';

const data = { series: [] } as unknown as PanelData;
const refusal = (status: number, retryAfter: string | null = null, body = ''): ApiError =>
  errorFromAnswer({ status, body, retryAfter }, 0);

const failures = {
  down: failureOf(refusal(503, '5')),
  absent: failureOf(refusal(503, null, JSON.stringify({ code: 'not-configured', detail: 'No Prometheus.' }))),
  gone: failureOf(errorWithoutAnswer('unreachable', true)),
  late: failureOf(errorWithoutAnswer('timeout', true)),
  forbidden: failureOf(refusal(403)),
  limited: failureOf(refusal(429, '2')),
  broken: failureOf(new TypeError('x is not a function')),
};

const asked = { listFailure: null, paused: false, now: 1_000 };
const answered = recordAnswer(data, 1_000);

describe('the page', () => {
  it('tells apart why there is no answer', () => {
    assert.deepEqual(
      Object.values(failures).map(({ reason }) => reason),
      ['prometheus', 'absent', 'unreachable', 'unreachable', 'refused', 'other', 'other'],
    );
    assert.equal(failures.limited.restMilliseconds, 2_000);
    assert.equal(failures.absent.restMilliseconds, 60_000);
  });

  it('is connecting until something has been answered or refused', () => {
    assert.equal(freshnessOf([], asked).state, 'connecting');
    assert.equal(freshnessOf([nothingKnown, nothingKnown], asked).state, 'connecting');
    assert.equal(freshnessOf([nothingKnown, answered], asked).state, 'live');
    for (const [failure, state] of [
      ['down', 'prometheus'],
      ['absent', 'absent'],
      ['gone', 'unreachable'],
      ['forbidden', 'refused'],
      ['limited', 'failed'],
    ] as const)
      assert.equal(freshnessOf([], { ...asked, listFailure: failures[failure] }).state, state, failure);
  });

  it('is live as long as some panel is answered, and counts the others', () => {
    const one = recordFailure(answered, failures.down);
    const live = freshnessOf([answered, one, nothingKnown], asked);
    assert.deepEqual(live, { state: 'live', answeredAt: 1_000, unanswered: 1, why: '' });
    assert.equal(freshnessDetail(live, 1_000), '1 panel without an answer');
  });

  it('is stale when nothing new comes, and says since when', () => {
    const at = (now: number) => freshnessOf([answered], { ...asked, now });
    assert.equal(at(1_000 + staleAfterMilliseconds - 1).state, 'live');
    const stale = at(1_000 + staleAfterMilliseconds);
    assert.equal(stale.state, 'stale');
    assert.match(
      freshnessDetail(stale, 76_000),
      /^nothing new since \d\d:\d\d:01, for 1 min 15 s; asked again every 5 s$/,
    );
    assert.match(freshnessDetail(stale, 43_500), /, for 42 s;/);
  });

  it('keeps what it knew when Prometheus or the shop goes, and says which', () => {
    const records = (failure: keyof typeof failures): PanelRecord[] => [
      recordFailure(answered, failures[failure]),
      recordFailure(nothingKnown, failures[failure]),
    ];
    for (const [failure, state] of [
      ['down', 'prometheus'],
      ['gone', 'unreachable'],
      ['late', 'unreachable'],
      ['broken', 'failed'],
    ] as const) {
      const now = freshnessOf(records(failure), asked);
      assert.equal(now.state, state, failure);
      assert.equal(now.answeredAt, 1_000);
      assert.equal(isOld(now.state), true);
    }
    assert.equal(records('down')[0]!.data, data);
    const both = [recordFailure(answered, failures.gone), recordFailure(answered, failures.down)];
    assert.equal(freshnessOf(both, asked).state, 'prometheus');
  });

  it('is live again with the first answer', () => {
    const back = [recordAnswer(data, 1_000), recordFailure(answered, failures.down)];
    assert.equal(freshnessOf(back, asked).state, 'live');
  });

  it('is paused only where there is something to hold still, and a refusal is told nevertheless', () => {
    const paused = { ...asked, paused: true };
    assert.equal(freshnessOf([nothingKnown], paused).state, 'connecting');
    assert.equal(freshnessOf([answered], { ...paused, now: 9_000_000 }).state, 'paused');
    assert.equal(freshnessOf([recordFailure(answered, failures.absent)], paused).state, 'absent');
    assert.match(freshnessDetail(freshnessOf([answered], paused), 5_000), /^what you see is from \d\d:\d\d:01$/);
    assert.equal(isOld('paused'), false);
  });

  it('says of a panel that has fallen behind', () => {
    assert.equal(isBehind(nothingKnown, 1_000), false);
    assert.equal(isBehind(answered, 1_000), false);
    assert.equal(isBehind(recordFailure(answered, failures.down), 1_000), true);
    assert.equal(isBehind(answered, 1_000 + staleAfterMilliseconds), true);
  });
});

/** A poller in a world where time passes when it is told to, and answers come when they are given. */
function world({ rest = 0 } = {}) {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  const open = new Map<string, { answer(): void; fail(): void; signal: AbortSignal }>();
  const seen = { asked: [] as string[], answered: [] as string[], failed: [] as string[], most: 0 };
  const poller = createPoller<string>({
    ask: (name, signal) =>
      new Promise((resolve, reject) => {
        assert.equal(open.has(name), false, `${name} is asked twice at a time`);
        seen.asked.push(name);
        open.set(name, {
          answer: () => resolve(name),
          fail: () => reject(new Error('no')),
          signal,
        });
        seen.most = Math.max(seen.most, open.size);
        signal.addEventListener('abort', () => {
          open.delete(name);
          reject(signal.reason as Error);
        });
      }),
    answered: (name) => seen.answered.push(name),
    failed(name) {
      seen.failed.push(name);
      return rest;
    },
    every: 5,
    atOnce: 2,
    schedule(callback, milliseconds) {
      const timer = { at: now + milliseconds, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return {
    poller,
    seen,
    open,
    timers: () => timers.length,
    end: async (name: string, how: 'answer' | 'fail' = 'answer'): Promise<void> => {
      const question = open.get(name)!;
      open.delete(name);
      question[how]();
      await settled();
    },
    pass: async (milliseconds: number): Promise<void> => {
      for (let step = 0; step < milliseconds; step += 1) {
        now += 1;
        const due = timers.filter(({ at }) => at <= now);
        timers = timers.filter(({ at }) => at > now);
        for (const { callback } of due) callback();
        await settled();
      }
    },
    settled,
  };
}

describe('asking', () => {
  it('asks everything, few at once, and each again when its time has come', async () => {
    const { poller, seen, end, pass } = world();
    poller.begin(['a', 'b', 'c', 'd']);
    assert.deepEqual(seen.asked, ['a', 'b']);
    for (const name of ['b', 'a', 'c', 'd']) await end(name);
    assert.deepEqual(seen.answered, ['b', 'a', 'c', 'd']);
    assert.equal(seen.most, 2);
    await pass(4);
    assert.equal(seen.asked.length, 4);
    await pass(1);
    assert.deepEqual(seen.asked.slice(4), ['a', 'b']);
    poller.close();
  });

  it('never asks a second time what has not been answered, and nothing piles up', async () => {
    const { poller, seen, end, pass } = world();
    poller.begin(['slow', 'b', 'c']);
    await end('b');
    await end('c');
    await pass(50);
    assert.equal(seen.asked.filter((name) => name === 'slow').length, 1);
    await end('b');
    await end('c');
    assert.deepEqual(seen.asked.slice(3), ['b', 'c']);
    await end('slow');
    await pass(5);
    assert.equal(seen.asked.filter((name) => name === 'slow').length, 2);
    poller.close();
  });

  it('goes on after a failure, and asks nobody for as long as it was told to rest', async () => {
    const usual = world();
    usual.poller.begin(['a', 'b', 'c']);
    await usual.end('a', 'fail');
    assert.deepEqual(usual.seen.asked, ['a', 'b', 'c']);
    usual.poller.close();

    const resting = world({ rest: 60 });
    resting.poller.begin(['a', 'b', 'c']);
    await resting.end('a', 'fail');
    await resting.end('b', 'fail');
    assert.deepEqual(resting.seen.asked, ['a', 'b']);
    await resting.pass(59);
    assert.equal(resting.seen.asked.length, 2);
    await resting.pass(1);
    assert.equal(resting.seen.asked.length, 4);
    assert.equal(resting.timers(), 1);
    resting.poller.close();
  });

  it('asks at once when a person wants to know, also during a rest', async () => {
    const { poller, seen, end } = world({ rest: 60 });
    poller.begin(['a']);
    await end('a', 'fail');
    poller.resume();
    assert.deepEqual(seen.asked, ['a', 'a']);
    poller.close();
  });

  it('begins nothing while it is paused, and everything when it goes on', async () => {
    const { poller, seen, end, pass, timers } = world();
    poller.begin(['a', 'b', 'c']);
    poller.pause();
    await end('a');
    await end('b');
    await pass(50);
    assert.deepEqual(seen.asked, ['a', 'b']);
    assert.deepEqual(seen.answered, ['a', 'b']);
    assert.equal(timers(), 0);
    poller.begin(['d']);
    await pass(50);
    assert.deepEqual(seen.asked, ['a', 'b']);
    poller.resume();
    assert.deepEqual(seen.asked, ['a', 'b', 'd']);
    assert.equal(timers(), 1);
    poller.close();
  });

  it('gives up what nobody wants any more, and hears nothing of it', async () => {
    const { poller, seen, open, settled, pass, timers } = world();
    poller.begin(['a', 'b']);
    const { signal } = open.get('a')!;
    poller.begin(['a', 'c']);
    await settled();
    assert.equal(signal.aborted, true);
    assert.deepEqual(seen.asked, ['a', 'b', 'a', 'c']);
    assert.equal(timers(), 1);
    poller.close();
    await settled();
    await pass(50);
    poller.resume();
    assert.deepEqual(seen, { asked: ['a', 'b', 'a', 'c'], answered: [], failed: [], most: 2 });
    assert.equal(timers(), 0);
  });
});
