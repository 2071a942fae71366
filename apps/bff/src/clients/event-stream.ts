/**
 * Server-sent events handed through: bytes as they come, the reader's pace, and an end on either side's.
 * Format and reconnecting: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { ServerResponse } from 'node:http';
import type { OpenStream } from './upstream.ts';

/** A service sends a heartbeat every ten seconds; after this long without a byte, in ms, the stream is given up. */
const silenceLimitMs = 30_000;

export interface EventStreams {
  /** Streams open now. */
  readonly size: number;
  /** Streams that `reader` has open. */
  openFor(reader: string): number;
  /** Keeps a place for a stream before it is asked for; call what it returns when the stream is over. */
  reserve(reader: string): () => void;
  /**
   * Hands the stream to the response, which must not have begun; `onEnd` is called once, whoever ended it. The function
   * it returns ends it.
   */
  pipe(source: OpenStream, response: ServerResponse, headers: Record<string, string>, onEnd: () => void): () => void;
  /** Ends all streams; browsers reconnect, with `Last-Event-ID`, and reach another replica. */
  endAll(): void;
}

export function eventStreams(options: { silenceLimitMs?: number; onSize?: (size: number) => void } = {}): EventStreams {
  const silenceMs = options.silenceLimitMs ?? silenceLimitMs;
  const { onSize = () => {} } = options;
  const counts = new Map<string, number>();
  const ends = new Set<() => void>();
  let size = 0;

  return {
    get size() {
      return size;
    },
    openFor: (reader) => counts.get(reader) ?? 0,
    reserve: (reader) => {
      size += 1;
      onSize(size);
      counts.set(reader, (counts.get(reader) ?? 0) + 1);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        size -= 1;
        onSize(size);
        const left = (counts.get(reader) ?? 1) - 1;
        if (left === 0) counts.delete(reader);
        else counts.set(reader, left);
      };
    },
    pipe: ({ exchange }, response, headers, onEnd) => {
      let over = false;
      const finish = (): void => {
        if (over) return;
        over = true;
        clearTimeout(silence);
        ends.delete(finish);
        exchange.cancel(new Error('the stream is over'));
        // A half-sent event has no blank line after it, so readers drop it and get it whole when they reconnect.
        // A reader that takes nothing would keep an orderly end waiting for ever.
        if (response.writableNeedDrain) response.destroy();
        else response.end();
        onEnd();
      };
      // Also runs out while the reader takes nothing: a stream that is paused gets no bytes.
      const silence = setTimeout(finish, silenceMs);
      ends.add(finish);
      response.on('close', finish);
      response.on('drain', () => exchange.resume());
      response.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.flushHeaders();
      exchange.stream({
        data: (chunk) => {
          if (over) return;
          silence.refresh();
          if (!response.write(chunk)) exchange.pause();
        },
        end: finish,
        fail: finish,
      });
      return finish;
    },
    endAll: () => {
      for (const end of ends) end();
    },
  };
}
