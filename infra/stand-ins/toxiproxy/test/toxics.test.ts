/** Every toxic, set by the official client, as both ends of a connection see it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@ballast/testing';
import { heldLimit } from '../src/flow.ts';
import { poison, startProxied, timed } from './support.ts';

/** Far longer than any test: what is released has not simply become due. */
const never = 3_600_000;

test('without toxics everything passes both ways', async (t) => {
  const { connect } = await startProxied(t);
  const client = await connect();
  client.socket.write('hello');
  await client.receives('hello');
});

test('latency delays its direction, for new connections and for those that are open', async (t) => {
  const { proxy, connect } = await startProxied(t);
  const before = await connect();
  before.socket.write('a');
  await before.receives('a');
  await poison(proxy, 'latency', 'downstream', { latency: 150 });
  const took = await timed(async () => {
    before.socket.write('b');
    await before.receives('ab');
  });
  assert.ok(took >= 149, `${took} ms`);
  const after = await connect();
  const again = await timed(async () => {
    after.socket.write('c');
    await after.receives('c');
  });
  assert.ok(again >= 149, `${again} ms`);
});

test('latency and jitter keep the order of what is sent', async (t) => {
  const { proxy, connect } = await startProxied(t);
  await poison(proxy, 'latency', 'upstream', { latency: 20, jitter: 20 });
  const client = await connect();
  const words = Array.from({ length: 50 }, (_, index) => `${index};`);
  for (const word of words) {
    client.socket.write(word);
    // Apart, so that each is a chunk of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.receives(words.join(''));
});

test('a latency that is removed lets go what it held, in order and before anything newer', async (t) => {
  const { proxy, upstream, standIn, connect } = await startProxied(t);
  const toxic = await poison(proxy, 'latency', 'upstream', { latency: never });
  const client = await connect();
  for (const word of ['one ', 'two ', 'three ']) client.socket.write(word);
  await until('it to be held', () => standIn.proxy('shop.postgres').traffic.upstream.received === 14);
  assert.equal(upstream.peers[0]?.text, '');
  await toxic.remove();
  client.socket.write('four');
  await client.receives('one two three four');
});

test('a latency that is shortened counts for what it holds', async (t) => {
  const { proxy, standIn, connect } = await startProxied(t);
  const toxic = await poison(proxy, 'latency', 'downstream', { latency: never });
  const client = await connect();
  client.socket.write('late');
  await until('it to be held', () => standIn.proxy('shop.postgres').traffic.downstream.received === 4);
  await toxic.update({ ...toxic.toJson(), attributes: { latency: 30 } });
  await client.receives('late');
});

test('down closes what is open and refuses what comes, until the proxy is enabled again', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t);
  const client = await connect();
  client.socket.write('x');
  await client.receives('x');
  await proxy.update({ ...proxy.toJson(), enabled: false });
  await client.closes();
  await until('the upstream to see it', () => upstream.peers[0]?.ended);
  await assert.rejects(connect, { code: 'ECONNREFUSED' });
  const up = await proxy.update({ ...proxy.toJson(), enabled: true });
  assert.equal(up.listen, proxy.listen);
  const again = await connect();
  again.socket.write('y');
  await again.receives('y');
});

test('bandwidth spreads what is sent over time', async (t) => {
  const { proxy, connect } = await startProxied(t);
  await poison(proxy, 'bandwidth', 'downstream', { rate: 200 });
  const client = await connect();
  const took = await timed(async () => {
    client.socket.write(Buffer.alloc(60_000));
    await until('all of it', () => client.length === 60_000);
  });
  assert.ok(took >= 295, `60 kB at 200 kB/s took ${took} ms`);
});

test('a bandwidth of 0 lets nothing through, and all of it once it is gone', async (t) => {
  const { proxy, upstream, standIn, connect } = await startProxied(t);
  const toxic = await poison(proxy, 'bandwidth', 'upstream', { rate: 0 });
  const client = await connect();
  client.socket.write('held');
  await until('it to be held', () => standIn.proxy('shop.postgres').traffic.upstream.received === 4);
  assert.equal(upstream.peers[0]?.text, '');
  await toxic.remove();
  await client.receives('held');
});

test('slow_close passes data at once and the end late', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t, { echo: false });
  const toxic = await poison(proxy, 'slow_close', 'upstream', { delay: never });
  const client = await connect();
  client.socket.end('bye');
  await until('the last words', () => upstream.peers[0]?.text === 'bye');
  assert.equal(upstream.peers[0]?.ended, false);
  const took = await timed(async () => {
    await toxic.update({ ...toxic.toJson(), attributes: { delay: 200 } });
    await until('the end', () => upstream.peers[0]?.ended);
  });
  assert.ok(took >= 199, `${took} ms`);
});

test('timeout lets nothing through and closes after its time', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t);
  await poison(proxy, 'timeout', 'upstream', { timeout: 150 });
  // Its time begins with the connection.
  const took = await timed(async () => {
    const client = await connect();
    client.socket.write('lost');
    await client.closes();
  });
  assert.ok(took >= 149, `${took} ms`);
  assert.equal(upstream.peers.map(({ text }) => text).join(''), '');
});

test('a timeout of 0 keeps the connection open, and closes it when the toxic goes', async (t) => {
  const { proxy, upstream, standIn, connect } = await startProxied(t);
  const toxic = await poison(proxy, 'timeout', 'upstream', { timeout: 0 });
  const client = await connect();
  client.socket.write('lost');
  await until('it to be lost', () => standIn.proxy('shop.postgres').traffic.upstream.received === 4);
  assert.equal(client.closed, false);
  assert.equal(upstream.peers[0]?.text, '');
  await toxic.remove();
  await client.closes();
});

test('reset_peer resets both sides once something is sent', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t, { echo: false });
  const client = await connect();
  await until('the upstream to be connected', () => upstream.peers.length === 1);
  await poison(proxy, 'reset_peer', 'upstream', { timeout: 50 });
  assert.equal(client.closed, false);
  const took = await timed(async () => {
    client.socket.write('x');
    await client.closes();
  });
  assert.ok(took >= 49, `${took} ms`);
  assert.equal(client.error?.code, 'ECONNRESET');
  await until('the upstream to see it', () => upstream.peers[0]?.error?.code === 'ECONNRESET');
  assert.equal(upstream.peers[0]?.text, '');
});

test('slicer cuts what is sent into small pieces and loses nothing', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t, { echo: false });
  await poison(proxy, 'slicer', 'upstream', { average_size: 100, size_variation: 20, delay: 2000 });
  const client = await connect();
  const text = Array.from({ length: 500 }, (_, index) => index % 10).join('');
  client.socket.write(text);
  await until('all of it', () => upstream.peers[0]?.text === text);
  const pieces = upstream.peers[0]?.pieces ?? [];
  assert.ok(pieces.length > 2, `${pieces.length} pieces`);
});

test('limit_data closes after so many bytes, over all that is sent', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t, { echo: false });
  await poison(proxy, 'limit_data', 'upstream', { bytes: 8 });
  const client = await connect();
  client.socket.write('12345');
  await until('the first', () => upstream.peers[0]?.text === '12345');
  client.socket.write('67890');
  await client.closes();
  await until('the end', () => upstream.peers[0]?.ended);
  assert.equal(upstream.peers[0]?.text, '12345678');
});

test('drop (an extension) loses one direction only, and the connection stays', async (t) => {
  const { proxy, upstream, standIn, connect } = await startProxied(t, { echo: false });
  await poison(proxy, 'drop', 'upstream');
  const client = await connect();
  client.socket.write('lost');
  await until('it to be lost', () => standIn.proxy('shop.postgres').traffic.upstream.received === 4);
  upstream.peers[0]?.socket.write('still here');
  await client.receives('still here');
  assert.equal(upstream.peers[0]?.text, '');
  assert.equal(client.closed, false);
});

test('when drop goes, connections that lost something are reset and the others go on', async (t) => {
  const { proxy, standIn, connect } = await startProxied(t);
  const silent = await connect();
  const toxic = await poison(proxy, 'drop', 'upstream');
  const loser = await connect();
  loser.socket.write('lost');
  await until('it to be lost', () => standIn.proxy('shop.postgres').traffic.upstream.received === 4);
  await toxic.remove();
  await loser.closes();
  assert.equal(loser.error?.code, 'ECONNRESET');
  silent.socket.write('whole');
  await silent.receives('whole');
});

test('toxicity hits a share of the connections, and each of them as a whole', async (t) => {
  const { proxy, standIn, connect } = await startProxied(t);
  const toxic = await poison(proxy, 'bandwidth', 'upstream', { rate: 0 }, 0.5);
  const clients = await Promise.all(Array.from({ length: 60 }, async () => await connect()));
  for (const client of clients) client.socket.write('ab');
  await until('all to be sent', () => standIn.proxy('shop.postgres').traffic.upstream.received === 120);
  for (const client of clients) client.socket.write('cd');
  const whole = (): number => clients.filter(({ text }) => text === 'abcd').length;
  // Of 60 coins, none or all alike happens once in 10^18.
  await until(
    'some to be answered',
    () => whole() > 0 && whole() === standIn.proxy('shop.postgres').traffic.downstream.sent / 4,
  );
  assert.ok(whole() < 60);
  await toxic.update({ ...toxic.toJson(), toxicity: 0 });
  await until('the others to be let go', () => whole() === 60);
});

test('toxics work one after the other, in the order they were added', async (t) => {
  const { proxy, upstream, connect } = await startProxied(t, { echo: false });
  await poison(proxy, 'limit_data', 'upstream', { bytes: 4 });
  const latency = await poison(proxy, 'latency', 'upstream', { latency: never });
  const client = await connect();
  client.socket.write('123456');
  await until('the upstream to be connected', () => upstream.peers.length === 1);
  await latency.remove();
  // What was let through before the limit arrives, and then the end.
  await client.closes();
  await until('the end', () => upstream.peers[0]?.ended);
  assert.equal(upstream.peers[0]?.text, '1234');
});

test('reset removes every toxic and enables every proxy', async (t) => {
  const { proxy, toxiproxy, connect } = await startProxied(t);
  await poison(proxy, 'latency', 'downstream', { latency: never });
  await proxy.update({ ...proxy.toJson(), enabled: false });
  await toxiproxy.reset();
  const client = await connect();
  client.socket.write('well');
  await client.receives('well');
});

test('a toxic that holds much makes the sender wait instead of filling memory', async (t) => {
  const { proxy, upstream, standIn, connect } = await startProxied(t, { echo: false });
  const toxic = await poison(proxy, 'latency', 'upstream', { latency: never });
  const client = await connect();
  const total = 16 << 20;
  client.socket.write(Buffer.alloc(total, 'x'));
  const { traffic } = standIn.proxy('shop.postgres');
  await until('the limit to be reached', () => traffic.upstream.received >= heldLimit);
  // What one read may bring on top.
  assert.ok(traffic.upstream.received <= heldLimit + 65_536 * 2, `${traffic.upstream.received} bytes are held`);
  await toxic.remove();
  await until('all of it', () => upstream.peers[0]?.length === total);
});
