/** Reads server-sent events as a browser does (WHATWG HTML, "Server-sent events"), and keeps when they came. */
import { until } from '@ballast/testing';

export interface StreamEvent {
  id: number;
  event: string;
  data: Record<string, unknown>;
}

export interface Stream {
  status: number;
  events: StreamEvent[];
  /** True once the server has closed the stream. */
  readonly ended: boolean;
  /** Waits until an event about this state has come. */
  reached(state: string, limitMs?: number): Promise<void>;
  /** Goes away, as a closed tab does. */
  leave(): void;
}

/** Opens a stream; `lastEventId` resumes an earlier one. */
export async function openStream(url: string, token: string, lastEventId?: string): Promise<Stream> {
  const leaving = new AbortController();
  const headers = {
    authorization: `Bearer ${token}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await fetch(url, { headers, signal: leaving.signal });
  const events: StreamEvent[] = [];
  let ended = false;
  const read = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const field = (name: string): string | undefined =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        const event = field('event');
        if (event === undefined) continue;
        events.push({ id: Number(field('id')), event, data: JSON.parse(field('data')!) as Record<string, unknown> });
      }
    }
  };
  read().then(
    () => (ended = true),
    // Broken off: by us, or by a test that breaks the line.
    () => (ended = true),
  );
  return {
    status: response.status,
    events,
    get ended() {
      return ended;
    },
    reached: async (state, limitMs) => {
      const about = ({ event, data }: StreamEvent): boolean =>
        (event === 'transition' && data['to'] === state) || (event === 'snapshot' && data['state'] === state);
      await until(`${state} on the stream`, () => events.some(about), limitMs);
    },
    leave: () => leaving.abort(),
  };
}
