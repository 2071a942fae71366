/**
 * The live stream of the mesh, kept open whatever the network does: read by fetch, because a silent stream is told from a
 * broken one by comment lines, which `EventSource` keeps to itself. Resumes by `Last-Event-ID`.
 */
import { longestSilence, pauseBefore } from '../chaos/connection.ts';
import type { ConnectionAction } from '../chaos/connection.ts';
import { createEventReader } from '../chaos/sse.ts';
import { parseRetryAfter } from '../api/errors.ts';

export type StreamListener = {
  connection(action: ConnectionAction): void;
  event(name: string, data: unknown): void;
};

/** What the stream needs from around it. All of it can be replaced in tests. */
export type StreamSurroundings = {
  fetch: typeof fetch;
  now(): number;
  /** From 0 to 1. */
  random(): number;
};

export type Stream = {
  /** Tries at once what would be tried later: the network is back, or somebody looks again. */
  hurry: () => void;
  close: () => void;
};

/** Milliseconds until the head of the answer must be there. */
const answerTimeout = 8_000;

/** Milliseconds between two looks whether anything was heard, and how late a look may be. */
const everyLook = 250;
const longestDelay = 1_000;

/** Statuses after which trying again is of no use until something else changes. */
const finalStatuses = new Set([400, 401, 403, 404]);

/** How one try ended, and how long the other side asked to wait. */
type Ending = { kind: 'refused'; status: number } | { kind: 'broken'; why: string; wait: number };

/** Opens the stream and keeps it open until it is closed or refused for good. */
export function openStream(address: string, listener: StreamListener, surroundings: StreamSurroundings): Stream {
  const closed = new AbortController();
  let lastId = '';
  let attempt = 0;
  let hurry: () => void = () => undefined;

  const event = (name: string, text: string, id: string): void => {
    const data: unknown = JSON.parse(text);
    listener.connection({ type: 'heard', at: surroundings.now(), event: true });
    listener.event(name, data);
    // Only what was taken in is not asked for again.
    lastId = id;
    attempt = 0;
  };

  /** Resolves when this try is over. */
  const tryOnce = async (): Promise<Ending> => {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, closed.signal]);
    let why = 'the connection broke off';
    let heardAt = surroundings.now();
    let limit = answerTimeout;
    let lookedAt = performance.now();
    const watch = setInterval(() => {
      const late = performance.now() - lookedAt - everyLook;
      lookedAt = performance.now();
      // A page that stood still itself could not hear: that is not the stream's silence.
      if (late > longestDelay) heardAt = Math.max(heardAt, surroundings.now() - limit + everyLook);
      if (surroundings.now() - heardAt <= limit) return;
      why = limit === answerTimeout ? 'no answer' : 'the stream fell silent';
      abort.abort();
    }, everyLook);
    try {
      const answer = await surroundings.fetch(address, {
        headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
        credentials: 'same-origin',
        cache: 'no-store',
        signal,
      });
      const status = answer.status;
      if (finalStatuses.has(status)) return { kind: 'refused', status };
      if (status !== 200 || answer.body === null) {
        await answer.body?.cancel();
        const seconds = parseRetryAfter(answer.headers.get('retry-after'), surroundings.now()) ?? 0;
        return { kind: 'broken', why: `the answer was ${status}`, wait: Math.min(seconds, 30) * 1_000 };
      }
      heardAt = surroundings.now();
      limit = longestSilence;
      listener.connection({ type: 'opened', at: heardAt });
      const reader = createEventReader(lastId);
      const decoder = new TextDecoder();
      for await (const chunk of piecesOf(answer.body)) {
        heardAt = surroundings.now();
        listener.connection({ type: 'heard', at: heardAt, event: false });
        for (const told of reader.feed(decoder.decode(chunk, { stream: true }))) event(told.name, told.data, told.id);
      }
      return { kind: 'broken', why, wait: 0 };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) {
        // What cannot be understood is asked for anew, from the start.
        lastId = '';
        return { kind: 'broken', why: 'the stream could not be read', wait: 0 };
      }
      if (closed.signal.aborted || abort.signal.aborted || error instanceof TypeError) {
        return { kind: 'broken', why, wait: 0 };
      }
      throw error;
    } finally {
      clearInterval(watch);
      abort.abort();
    }
  };

  const run = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      listener.connection({ type: 'opening' });
      const ending = await tryOnce();
      if (closed.signal.aborted) return;
      if (ending.kind === 'refused') {
        listener.connection({ type: 'refused', status: ending.status });
        return;
      }
      const pause = Math.max(ending.wait, pauseBefore(attempt, surroundings.random()));
      attempt += 1;
      listener.connection({ type: 'broken', why: ending.why, retryAt: surroundings.now() + pause });
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        hurry = () => {
          clearTimeout(timer);
          resolve();
        };
        closed.signal.addEventListener('abort', hurry, { once: true });
      });
      hurry = () => undefined;
    }
  };

  void run();
  return { hurry: () => hurry(), close: () => closed.abort() };
}

/** Browsers that cannot iterate a stream yet can read it. */
async function* piecesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
