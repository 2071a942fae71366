/** A reader of server-sent events, for tests: what came, in order, and a way to stop taking anything. */
import { get, type IncomingMessage } from 'node:http';

export interface ReceivedEvent {
  id: string;
  event: string;
  data: unknown;
}

export interface EventReader {
  events: ReceivedEvent[];
  /** Comment lines so far. */
  comments: () => number;
  status: () => number | undefined;
  headers: () => IncomingMessage['headers'];
  ended: () => boolean;
  /** From now on nothing is taken from the socket; or again. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Opens the stream at `url`; with `lastEventId` as a browser that comes back. */
export function openReader(url: string, headers: Record<string, string> = {}): EventReader {
  const events: ReceivedEvent[] = [];
  let [comments, ended, rest] = [0, false, ''];
  let response: IncomingMessage | undefined;
  const request = get(url, { headers: { accept: 'text/event-stream', ...headers }, agent: false }, (answer) => {
    response = answer;
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => {
      const blocks = `${rest}${text}`.split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) read(block);
    });
    answer.on('error', () => (ended = true));
    answer.on('close', () => (ended = true));
  });
  request.on('error', () => (ended = true));
  const read = (block: string): void => {
    const fields = new Map(
      block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
      }),
    );
    if (fields.has('')) comments += 1;
    const [id, event, data] = [fields.get('id'), fields.get('event'), fields.get('data')];
    if (id !== undefined && event !== undefined && data !== undefined)
      events.push({ id, event, data: JSON.parse(data) });
  };
  return {
    events,
    comments: () => comments,
    status: () => response?.statusCode,
    headers: () => response?.headers ?? {},
    ended: () => ended,
    pause: () => response?.socket.pause(),
    resume: () => response?.socket.resume(),
    close: () => request.destroy(),
  };
}
