/** How identity's keys are had, and how little identity can be made to do by strangers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { tokenSigner } from '@ballast/testing';
import { jwksFetcher } from '../../src/clients/jwks.ts';
import { createKeyStore, NoKeys } from '../../src/clients/keys.ts';
import { verificationKey, type VerificationKey } from '../../src/domain/device-token.ts';

const keyNamed = (kid: string): VerificationKey => verificationKey({ ...tokenSigner().jwk, kid })!;

/** A store whose identity is the test, and whose clock is too. */
function bench(first: VerificationKey[] | Error) {
  const state = { answer: first, asked: 0, now: 1_000_000, errors: [] as unknown[] };
  const store = createKeyStore({
    fetch: async () => {
      state.asked += 1;
      if (state.answer instanceof Error) throw state.answer;
      return state.answer;
    },
    onError: (error) => void state.errors.push(error),
    now: () => state.now,
  });
  return { state, store };
}

describe('the keys', () => {
  it('are asked for once for an unknown id, however many ask, and then not for five seconds', async () => {
    const { state, store } = bench([keyNamed('a')]);
    await store.start();
    assert.equal(state.asked, 1);
    state.now += 5_000;
    state.answer = [keyNamed('a'), keyNamed('b')];
    const found = await Promise.all(
      Array.from({ length: 1_000 }, (_, at) => store.find(at % 2 === 0 ? 'b' : `x-${at}`)),
    );
    assert.equal(found.filter((key) => key?.kid === 'b').length, 500);
    assert.equal(state.asked, 2);
    state.now += 4_999;
    assert.equal(await store.find('y'), null);
    assert.equal(state.asked, 2);
    state.now += 1;
    assert.equal(await store.find('y'), null);
    assert.equal(state.asked, 3);
    store.stop();
  });

  it('are kept while identity is away, and when it answers without any', async () => {
    const { state, store } = bench([keyNamed('a')]);
    await store.start();
    for (const answer of [new Error('away'), []]) {
      state.answer = answer;
      state.now += 5_000;
      assert.equal(await store.find('b'), null);
      assert.equal((await store.find('a'))?.kid, 'a');
    }
    assert.deepEqual([state.asked, state.errors.length], [3, 2]);
    store.stop();
  });

  it('that were withdrawn are gone with the next answer', async () => {
    const { state, store } = bench([keyNamed('a')]);
    await store.start();
    state.answer = [keyNamed('b')];
    state.now += 5_000;
    assert.equal((await store.find('b'))?.kid, 'b');
    assert.equal(await store.find('a'), null);
    store.stop();
  });

  it('that were never had are no reason to call a key unknown', async () => {
    const { state, store } = bench(new Error('away'));
    await store.start();
    assert.equal(store.ready(), false);
    await assert.rejects(store.find('a'), NoKeys);
    state.answer = [keyNamed('a')];
    state.now += 500;
    assert.equal((await store.find('a'))?.kid, 'a');
    assert.equal(store.ready(), true);
    store.stop();
  });
});

describe('a question for keys', () => {
  async function answering(status: number, body: string): Promise<VerificationKey[]> {
    const server = createServer((_request, response) => {
      response.writeHead(status).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      return await jwksFetcher(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }

  it('finds those that device tokens may be signed with, and leaves out others', async () => {
    const { jwk } = tokenSigner();
    const rsa = { kid: 'r', kty: 'RSA', n: 'x', e: 'AQAB' };
    const keys = await answering(200, JSON.stringify({ keys: [rsa, jwk, { kty: 'oct', kid: 'o', k: 'x' }, null] }));
    assert.deepEqual(
      keys.map(({ kid, algorithm }) => [kid, algorithm]),
      [['test', 'ES256']],
    );
  });

  const bad: [name: string, status: number, body: string][] = [
    ['another status', 503, '{"keys":[]}'],
    ['no JSON', 200, 'hello'],
    ['no set of keys', 200, '{"keys":{}}'],
    ['more than 64 KiB', 200, JSON.stringify({ keys: [], note: 'x'.repeat(70_000) })],
  ];
  for (const [name, status, body] of bad) {
    it(`fails on ${name}`, async () => {
      await assert.rejects(answering(status, body));
    });
  }
});
