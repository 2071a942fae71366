/** What a connection through a proxy keeps of a direct one: half-closing, resets, backpressure, refusal. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { until } from '@ballast/testing';
import { startToxiproxyStandIn } from '../src/index.ts';
import { open, startProxied, startUpstream } from './support.ts';

test('a client that has said all it wants still gets its answer', async (t) => {
  const { upstream, connect } = await startProxied(t, { echo: false });
  const client = await connect();
  client.socket.end('question');
  await until('the end', () => upstream.peers[0]?.ended);
  assert.equal(client.ended, false);
  upstream.peers[0]?.socket.end('answer');
  await client.closes();
  assert.equal(client.text, 'answer');
  assert.equal(client.error, undefined);
});

test('a reset of one side resets the other', async (t) => {
  const { upstream, connect } = await startProxied(t, { echo: false });
  const client = await connect();
  await until('the upstream to be connected', () => upstream.peers.length === 1);
  upstream.peers[0]?.socket.resetAndDestroy();
  await client.closes();
  assert.equal(client.error?.code, 'ECONNRESET');
  const second = await connect();
  await until('the upstream to be connected', () => upstream.peers.length === 2);
  second.socket.resetAndDestroy();
  await until('the upstream to see it', () => upstream.peers[1]?.error?.code === 'ECONNRESET');
});

test('a client of an upstream that is not there is closed, and the proxy goes on', async (t) => {
  const gone = await startToxiproxyStandIn();
  const address = new URL(gone.url).host;
  await gone.close();
  const standIn = await startToxiproxyStandIn({
    proxies: [{ name: 'a.b', listen: '127.0.0.1:0', upstream: address, enabled: true }],
  });
  t.after(async () => await standIn.close());
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const client = await open(t, standIn.proxy('a.b').listen);
    client.socket.write('anybody?');
    await client.closes();
  }
  await until('nothing to be left', () => standIn.proxy('a.b').connections === 0);
});

test('megabytes pass both ways at once, byte for byte', async (t) => {
  const { upstream, connect } = await startProxied(t, { echo: false });
  const data = randomBytes(8 << 20);
  const digest = (chunks: Buffer): string => createHash('sha256').update(chunks).digest('hex');
  const client = await connect();
  await until('the upstream to be connected', () => upstream.peers.length === 1);
  const [there] = upstream.peers;
  assert.ok(there);
  const collect = (peer: typeof client): Buffer[] => {
    const chunks: Buffer[] = [];
    peer.socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  };
  const [up, down] = [collect(there), collect(client)];
  client.socket.end(data);
  there.socket.end(data);
  await Promise.all([client.closes(), there.closes()]);
  assert.equal(digest(Buffer.concat(up)), digest(data));
  assert.equal(digest(Buffer.concat(down)), digest(data));
});

test('a reader that does not read makes the sender wait', async (t) => {
  const { upstream, standIn, connect } = await startProxied(t, { echo: false });
  const client = await connect();
  await until('the upstream to be connected', () => upstream.peers.length === 1);
  upstream.peers[0]?.socket.pause();
  const total = 64 << 20;
  client.socket.write(Buffer.alloc(total));
  const { traffic } = standIn.proxy('shop.postgres');
  let last = -1;
  // The kernel's buffers fill, and then nothing moves any more.
  await until('the proxy to stop reading', async () => {
    const now = traffic.upstream.received;
    const stands = now > 0 && now === last;
    last = now;
    return stands;
  });
  assert.ok(traffic.upstream.received < total / 2, `${traffic.upstream.received} bytes were read`);
  upstream.peers[0]?.socket.resume();
  await until('all of it', () => traffic.upstream.sent === total);
});

test('counts bytes, connections and the time of an answer', async (t) => {
  const { standIn, upstream, connect, proxy } = await startProxied(t);
  const client = await connect();
  client.socket.write('12345');
  await client.receives('12345');
  const text = await (await fetch(`${standIn.url}/metrics`)).text();
  const labels = `listener="${proxy.listen}",proxy="shop.postgres",upstream="${upstream.address}"`;
  for (const direction of ['upstream', 'downstream']) {
    assert.ok(text.includes(`toxiproxy_proxy_received_bytes_total{direction="${direction}",${labels}} 5\n`), text);
    assert.ok(text.includes(`toxiproxy_proxy_sent_bytes_total{direction="${direction}",${labels}} 5\n`), text);
  }
  assert.match(text, /^ballast_link_connections\{proxy="shop\.postgres"\} 1$/m);
  const seconds = Number(/^ballast_link_round_trip_seconds\{proxy="shop\.postgres"\} (\S+)$/m.exec(text)?.[1]);
  assert.ok(seconds > 0 && seconds < 30, text);
});

test('says nothing of answers where nothing was asked', async (t) => {
  const { standIn, connect } = await startProxied(t);
  await connect();
  assert.doesNotMatch(await (await fetch(`${standIn.url}/metrics`)).text(), /round_trip_seconds\{/);
});

test('a broker that sends messages and a client that acknowledges them are no question and answer', async (t) => {
  const upstream = await startUpstream(t);
  const standIn = await startToxiproxyStandIn({
    proxies: [{ name: 'shop.rabbitmq', listen: '127.0.0.1:0', upstream: upstream.address, enabled: true }],
  });
  t.after(async () => await standIn.close());
  const frame = (method: number): Buffer => Buffer.from([1, 0, 1, 0, 0, 0, 5, 0, 60, 0, method, 0, 206]);
  const client = await open(t, standIn.proxy('shop.rabbitmq').listen);
  const { roundTrips } = standIn.proxy('shop.rabbitmq');
  client.socket.write('AMQP\0\0\x09\x01');
  await until('the header', () => upstream.peers[0]?.length === 8);
  const send = async (from: 'client' | 'broker', method: number): Promise<void> => {
    const [sender, receiver] = from === 'client' ? [client, upstream.peers[0]] : [upstream.peers[0], client];
    const before = receiver?.length ?? 0;
    sender?.socket.write(frame(method));
    await until('the frame', () => receiver?.length === before + 13);
  };
  const deliver = 60;
  const acknowledge = 80;
  const publish = 40;
  await send('broker', deliver);
  assert.equal(roundTrips.median(performance.now()), undefined, 'the header is not answered by a message');
  await send('broker', acknowledge);
  assert.equal(roundTrips.count, 1);
  await send('client', acknowledge);
  await send('broker', deliver);
  await send('client', publish);
  await send('broker', acknowledge);
  assert.equal(roundTrips.count, 2);
});
