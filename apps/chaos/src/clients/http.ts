/** Questions to others over HTTP: short, bounded, and never without an end. */
import { observerAgent } from '@ballast/service';
import { Agent, request, type Dispatcher } from 'undici';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export interface Question {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** For everything, in ms. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface Asker {
  /** Resolves to any answer. Rejects where there was none in time, or one of more than 2 MiB. */
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

const answerLimitBytes = 2 * 1024 * 1024;

/** Keeps connections. `connections` is how many at most there are to one origin. */
export function createAsker(connections = 8): Asker {
  const agent = new Agent({ connections, connect: { timeout: 1_000 }, keepAliveTimeout: 10_000, pipelining: 1 });
  return {
    ask: (question) => askWith(agent, question),
    close: () => agent.destroy(),
  };
}

async function askWith(dispatcher: Dispatcher, question: Question): Promise<Answer> {
  const { method = 'GET', url, headers = {}, body, timeoutMs, signal } = question;
  const limit = AbortSignal.timeout(timeoutMs);
  const response = await request(url, {
    dispatcher,
    method,
    headers: {
      accept: 'application/json',
      'user-agent': observerAgent,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
  });
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response.body as AsyncIterable<Buffer>) {
    length += piece.length;
    // Leaving the loop closes the connection.
    if (length > answerLimitBytes) throw new Error(`the answer is larger than ${answerLimitBytes} bytes`);
    pieces.push(piece);
  }
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() };
}

/** The body as what it must be. Throws with `who` where it is not. */
export function bodyOf<Value>(
  who: string,
  { status, text }: Answer,
  check: { Check(value: unknown): value is Value },
): Value {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${who} answered ${status} with something that is no JSON`, { cause });
  }
  if (check.Check(value)) return value;
  throw new Error(`${who} answered ${status} with something that is not as agreed`);
}

/** The reason in a problem document, or the status. For people. */
export function reasonOf({ status, text }: Answer): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'detail' in value && typeof value.detail === 'string') {
      return `${status}: ${value.detail.slice(0, 300)}`;
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return `status ${status}`;
}

/** What went wrong, in words; undici's and Node's own errors say little without their code. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'connection refused';
  return error.message === '' ? (code ?? error.name) : error.message;
}

/** Node's code of a network error, also where it is wrapped; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  return error.cause === undefined ? undefined : codeOf(error.cause);
}
