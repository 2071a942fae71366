/**
 * One stream of server-sent events for many readers (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * Every event is put into bytes once, kept for a minute, and written to each reader at the reader's own pace: nothing is
 * queued for a reader beyond what its socket takes. Who falls behind further than what is kept gets a snapshot instead of
 * what it missed; who takes nothing at all is left.
 */
import type { ServerResponse } from 'node:http';
import type { LiveEvent } from '@ballast/contracts';

export interface LiveStreamOptions {
  /** What the whole looks like now, as JSON; asked for whenever a reader has to begin anew. */
  snapshot: () => string;
  /** Told how many read, at each change. */
  onReaders?: (readers: number) => void;
  /** How long events are kept, in ms, and how much of them at most, in bytes. */
  keepMs?: number;
  keepBytes?: number;
  /** Between two signs of life, in ms. */
  heartbeatMs?: number;
  /** A reader that has taken nothing for so long, in ms, is left. */
  patienceMs?: number;
}

export interface LiveStream {
  /** Tells all readers. `json` is the event's data. */
  publish(event: Exclude<LiveEvent, 'snapshot'>, json: string): void;
  /**
   * Serves a reader on a response that has not begun, with `headers` on top of a stream's own. A good `lastEventId` is
   * gone on from, anything else begins with a snapshot. Returns the function that ends it.
   */
  open(response: ServerResponse, lastEventId: string | undefined, headers: Record<string, string>): () => void;
  /** Forgets what was told: everybody begins anew. For a stream that has slept. */
  renew(): void;
  readonly readers: number;
  close(): void;
}

interface KeptEvent {
  seq: number;
  at: number;
  bytes: Buffer;
}

interface Reader {
  response: ServerResponse;
  /** Number of the last event it was written; null where it needs a snapshot. */
  sent: number | null;
  /** Since when its socket takes nothing, on the clock of `performance.now()`; null while it does. */
  stuckSince: number | null;
}

/** How long a browser waits before it comes back, in ms. */
const reconnectMs = 500;

/** A stream without events. */
export function createLiveStream(options: LiveStreamOptions): LiveStream {
  const { snapshot, onReaders = () => {}, keepMs = 60_000, keepBytes = 16 * 1024 * 1024 } = options;
  const { heartbeatMs = 1_000, patienceMs = 10_000 } = options;
  const readers = new Set<Reader>();
  let epoch = newEpoch();
  let seq = 0;
  /** Without gaps: the first one's number says where each of them is. */
  let kept: KeptEvent[] = [];
  let keptSize = 0;
  /** Readers that come at the same time share it. */
  let lastSnapshot: { seq: number; bytes: Buffer } | undefined;

  const frame = (event: LiveEvent, json: string): Buffer =>
    Buffer.from(`id: ${epoch}-${seq}\nevent: ${event}\ndata: ${json}\n\n`);

  const forgetOld = (now: number): void => {
    let old = 0;
    while (old < kept.length && (now - kept[old]!.at > keepMs || keptSize > keepBytes)) {
      keptSize -= kept[old]!.bytes.length;
      old += 1;
    }
    if (old > 0) kept = kept.slice(old);
  };

  /** The event after `after`; undefined where there is none yet, null where it is kept no more. */
  const next = (after: number): KeptEvent | undefined | null => {
    if (after === seq) return undefined;
    const first = kept[0]?.seq ?? seq + 1;
    return after + 1 < first ? null : kept[after + 1 - first]!;
  };

  /** Writes what a reader has not had, as far as its socket takes it. */
  const pump = (reader: Reader): void => {
    const { response } = reader;
    while (!response.writableNeedDrain && !response.destroyed) {
      const event = reader.sent === null ? null : next(reader.sent);
      if (event === undefined) break;
      if (event === null) {
        if (lastSnapshot?.seq !== seq) lastSnapshot = { seq, bytes: frame('snapshot', snapshot()) };
        response.write(lastSnapshot.bytes);
        reader.sent = seq;
      } else {
        response.write(event.bytes);
        reader.sent = event.seq;
      }
    }
    reader.stuckSince = response.writableNeedDrain ? (reader.stuckSince ?? performance.now()) : null;
  };

  const beat = (): void => {
    const now = performance.now();
    forgetOld(now);
    for (const reader of readers) {
      if (reader.stuckSince === null) reader.response.write(':\n\n');
      else if (now - reader.stuckSince > patienceMs) reader.response.destroy();
    }
  };
  let heart: NodeJS.Timeout | undefined;

  /** The number that a reader has seen last; null where that says nothing about this stream. */
  const readId = (lastEventId: string | undefined): number | null => {
    const [, ofEpoch, number] = /^([0-9a-z]+)-(\d{1,15})$/.exec(lastEventId ?? '') ?? [];
    const last = Number(number);
    return ofEpoch === epoch && last <= seq ? last : null;
  };

  return {
    publish: (event, json) => {
      seq += 1;
      const now = performance.now();
      const bytes = frame(event, json);
      kept.push({ seq, at: now, bytes });
      keptSize += bytes.length;
      forgetOld(now);
      for (const reader of readers) pump(reader);
    },
    open: (response, lastEventId, headers) => {
      const reader: Reader = { response, sent: readId(lastEventId), stuckSince: null };
      const end = (): void => {
        if (!readers.delete(reader)) return;
        // A reader that takes nothing would keep an orderly end waiting for ever.
        if (response.writableNeedDrain) response.destroy();
        else response.end();
        if (readers.size === 0) clearInterval(heart);
        onReaders(readers.size);
      };
      response.on('close', end);
      response.on('error', end);
      response.on('drain', () => pump(reader));
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.write(`retry: ${reconnectMs}\n\n`);
      readers.add(reader);
      if (readers.size === 1) heart = setInterval(beat, heartbeatMs);
      onReaders(readers.size);
      pump(reader);
      return end;
    },
    renew: () => {
      epoch = newEpoch();
      seq = 0;
      kept = [];
      keptSize = 0;
      lastSnapshot = undefined;
      for (const reader of readers) {
        reader.sent = null;
        pump(reader);
      }
    },
    get readers() {
      return readers.size;
    },
    close: () => {
      for (const { response } of readers) response.destroy();
      clearInterval(heart);
    },
  };
}

/** Different for each process and each renewal; without a dash. */
const newEpoch = (): string => `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 4).toString(36)}`;
