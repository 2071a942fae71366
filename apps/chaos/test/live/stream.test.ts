/** One stream for many readers, over real HTTP: nobody misses anything, nobody gets anything twice, nobody is waited for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import { createLiveStream, type LiveStream, type LiveStreamOptions } from '../../src/live/stream.ts';
import { openReader, type EventReader } from './reader.ts';

describe('the live stream', () => {
  const open: { server: Server; stream: LiveStream; readers: EventReader[] }[] = [];
  afterEach(async () => {
    for (const { server, stream, readers } of open.splice(0)) {
      for (const reader of readers) reader.close();
      stream.close();
      server.closeAllConnections();
      server.close();
    }
  });

  /** A stream whose snapshot is the last number that was told; `tell` tells the next one, with `filling` behind it. */
  const start = async (options: Partial<LiveStreamOptions> = {}) => {
    let told = 0;
    const counts: number[] = [];
    const stream = createLiveStream({
      snapshot: () => JSON.stringify({ told }),
      onReaders: (readers) => counts.push(readers),
      heartbeatMs: 20,
      ...options,
    });
    const responses: ServerResponse[] = [];
    const server = createServer((request, response) => {
      responses.push(response);
      const lastEventId = request.headers['last-event-id'];
      stream.open(response, typeof lastEventId === 'string' ? lastEventId : undefined, { 'x-instance': 'chaos' });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const readers: EventReader[] = [];
    open.push({ server, stream, readers });
    return {
      stream,
      counts,
      /** Bytes that wait for each reader in this process. */
      queued: () => responses.map((response) => response.writableLength),
      tell: (times = 1, filling = '') => {
        for (let time = 0; time < times; time += 1) {
          told += 1;
          stream.publish('load', JSON.stringify({ number: told, filling }));
        }
      },
      read: async (lastEventId?: string) => {
        const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
        const reader = openReader(`http://127.0.0.1:${port}/`, headers);
        readers.push(reader);
        await until('it reads', () => reader.status() === 200);
        return reader;
      },
    };
  };
  /** What a reader has been told, as one line: snapshots as `=n`, events as `n`. */
  const story = ({ events }: EventReader): string =>
    events
      .map(({ event, data }) => {
        const { told, number } = data as { told?: number; number?: number };
        return event === 'snapshot' ? `=${told}` : String(number);
      })
      .join(' ');
  const shows = (reader: EventReader, expected: string): Promise<unknown> =>
    until(`"${expected}"`, () => story(reader) === expected);

  it('begins with a snapshot and goes on with what happens, each event numbered', async () => {
    const { tell, read } = await start();
    tell(2);
    const reader = await read();
    await shows(reader, '=2');
    tell(3);
    await shows(reader, '=2 3 4 5');
    const [epoch] = reader.events[0]!.id.split('-');
    assert.deepEqual(
      reader.events.map(({ id }) => id),
      [2, 3, 4, 5].map((seq) => `${epoch}-${seq}`),
    );
    assert.match(reader.headers()['content-type']!, /^text\/event-stream/);
    assert.equal(reader.headers()['x-instance'], 'chaos');
    await until('signs of life', () => reader.comments() >= 2);
  });

  it('goes on where a reader was: no gap, nothing twice, wherever it broke off', async () => {
    const { tell, read } = await start();
    const first = await read();
    tell(6);
    await shows(first, '=0 1 2 3 4 5 6');
    for (const [index, { id }] of [...first.events].entries()) {
      const again = await read(id);
      const missed = [1, 2, 3, 4, 5, 6].slice(index);
      // Something new, so that the one who has missed nothing is told something as well.
      tell();
      const news = 7 + index;
      await shows(again, [...missed, ...Array.from({ length: index }, (_, more) => 7 + more), news].join(' '));
      again.close();
    }
  });

  it('begins anew for who comes back too late, from another process, or with nonsense', async () => {
    const { tell, read, stream } = await start({ keepBytes: 400 });
    const first = await read();
    tell(1);
    await shows(first, '=0 1');
    const [, { id }] = first.events as [unknown, { id: string }];
    tell(50);
    await shows(await read(id), '=51');
    for (const wrong of ['otherepoch-3', `${id.split('-')[0]}-9999`, 'nonsense', '-', id.replace('-', '')])
      await shows(await read(wrong), '=51');
    const recent = (await read()).events;
    await until('the snapshot', () => recent.length === 1);
    stream.renew();
    await shows(await read(recent[0]!.id), '=51');
  });

  it('keeps what was told for a time, no longer', async () => {
    const { tell, read } = await start({ keepMs: 0 });
    const first = await read();
    tell(2);
    await shows(first, '=0 1 2');
    const comments = first.comments();
    await until('it looks what is old', () => first.comments() > comments + 1);
    await shows(await read(first.events[1]!.id), '=2');
  });

  it('queues nothing for a reader that takes nothing: it gets a snapshot once it does again', async () => {
    const { tell, read, stream, queued } = await start({ keepBytes: 200_000, patienceMs: 60_000 });
    const slow = await read();
    const quick = await read();
    await until('both have begun', () => slow.events.length === 1 && quick.events.length === 1);
    slow.pause();
    const filling = 'x'.repeat(20_000);
    let waiting = 0;
    // Twenty megabytes, more than any socket buffers.
    for (let time = 1; time <= 1_000; time += 1) {
      tell(1, filling);
      waiting = Math.max(waiting, ...queued());
      if (time % 5 === 0) await until('the quick one has them', () => quick.events.length === time + 1);
    }
    assert.ok(waiting > 0 && waiting < 200_000, `${waiting} bytes wait for a reader that takes nothing`);
    assert.equal(stream.readers, 2);
    slow.resume();
    tell(1, 'last');
    await until('the slow one is there again', () => story(slow).endsWith('1001'));
    const numbers = story(slow).split(' ');
    assert.ok(numbers.filter((entry) => entry.startsWith('=')).length >= 2, 'what it missed it was not sent');
    // Between two snapshots there is no gap.
    let last = 0;
    for (const entry of numbers) {
      const number = Number(entry.replace('=', ''));
      if (!entry.startsWith('=')) assert.equal(number, last + 1);
      last = number;
    }
    assert.equal(story(quick).split(' ').length, 1_002);
  });

  it('leaves a reader that takes nothing for too long, and nobody else', async () => {
    const { tell, read, stream } = await start({ patienceMs: 50, keepBytes: 100_000 });
    const quick = await read();
    const slow = await read();
    await until('both have begun', () => slow.events.length === 1 && quick.events.length === 1);
    slow.pause();
    await until('it is left', () => {
      tell(1, 'x'.repeat(50_000));
      return stream.readers === 1;
    });
    tell(1, 'after');
    await until('the other one reads on', () => {
      const { data } = quick.events.at(-1)!;
      return (data as { filling: string }).filling === 'after';
    });
  });

  it('tells how many read, and forgets those who have gone', async () => {
    const { read, stream, counts } = await start();
    const readers = [await read(), await read()];
    for (const reader of readers) reader.close();
    await until('nobody reads', () => stream.readers === 0);
    assert.deepEqual(counts, [1, 2, 1, 0]);
  });
});
