/** Who may share a call: those who asked the same before it was sent, and nobody else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharedReads } from '../src/clients/shared-reads.ts';
import type { UpstreamRequest, UpstreamResponse } from '../src/clients/upstream.ts';

/** An upstream that answers when it is told to, each call with its number. */
function slowUpstream(): {
  upstream: { send: (request: UpstreamRequest) => Promise<UpstreamResponse> };
  sent: { path: string; answer: () => void; fail: (error: Error) => void }[];
} {
  const sent: { path: string; answer: () => void; fail: (error: Error) => void }[] = [];
  const send = ({ path }: UpstreamRequest): Promise<UpstreamResponse> => {
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamResponse>();
    const body = Buffer.from(String(sent.length));
    sent.push({ path, answer: () => resolve({ status: 200, headers: {}, body }), fail: reject });
    return promise;
  };
  return { upstream: { send }, sent };
}

const request = (path: string) => (): UpstreamRequest => ({
  method: 'GET',
  path,
  headers: [],
  body: null,
  repeatable: true,
  timeoutMs: 1_000,
});
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bodyOf = async (answer: Promise<UpstreamResponse>): Promise<string> => (await answer).body.toString();

describe('reads that are shared', () => {
  it('are one call where they ask the same in one turn, and all get its answer', async () => {
    const { upstream, sent } = slowUpstream();
    const read = sharedReads(upstream);
    const answers = Array.from({ length: 50 }, () => bodyOf(read('a', request('/a'))));
    await nextTurn();
    assert.deepEqual(
      sent.map(({ path }) => path),
      ['/a'],
    );
    sent[0]!.answer();
    assert.deepEqual(new Set(await Promise.all(answers)), new Set(['0']));
  });

  it('never join a call that has been sent: what it brings may be older than they are', async () => {
    const { upstream, sent } = slowUpstream();
    const read = sharedReads(upstream);
    const early = bodyOf(read('a', request('/a')));
    await nextTurn();
    const late = bodyOf(read('a', request('/a')));
    await nextTurn();
    assert.equal(sent.length, 2);
    for (const { answer } of sent) answer();
    assert.deepEqual([await early, await late], ['0', '1']);
  });

  it('have a call for each key', async () => {
    const { upstream, sent } = slowUpstream();
    const read = sharedReads(upstream);
    const answers = ['a', 'b', 'a'].map((key) => bodyOf(read(key, request(`/${key}`))));
    await nextTurn();
    assert.deepEqual(
      sent.map(({ path }) => path),
      ['/a', '/b'],
    );
    for (const { answer } of sent) answer();
    assert.deepEqual(await Promise.all(answers), ['0', '1', '0']);
  });

  it('fail together, and the next one is a call of its own', async () => {
    const { upstream, sent } = slowUpstream();
    const read = sharedReads(upstream);
    const answers = [1, 2].map(() => assert.rejects(read('a', request('/a')), /gone/));
    await nextTurn();
    sent[0]!.fail(new Error('gone'));
    await Promise.all(answers);
    const again = bodyOf(read('a', request('/a')));
    await nextTurn();
    sent[1]!.answer();
    assert.equal(await again, '1');
  });

  it('that cannot be made reach nobody, and stand in nobody’s way', async () => {
    const { upstream, sent } = slowUpstream();
    const read = sharedReads(upstream);
    const impossible = (): UpstreamRequest => {
      throw new Error('a header cannot be used');
    };
    assert.throws(() => read('a', impossible), /cannot be used/);
    const good = bodyOf(read('a', request('/a')));
    await nextTurn();
    assert.equal(sent.length, 1);
    sent[0]!.answer();
    assert.equal(await good, '0');
  });
});
