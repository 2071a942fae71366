/** One call to the API: timeout, CSRF token, waiting when asked to, and errors that can be shown. */
import { ApiError, errorFromAnswer, errorUnexpected, errorWithoutAnswer } from './errors.ts';

/** Milliseconds after which a call is given up. */
const callTimeoutMilliseconds = 10_000;

/** The longest wait, in seconds, that is sat out without asking the person. */
const longestPatienceSeconds = 15;

/** How often a call is sent when the API asks to wait. */
const mostAttempts = 3;

/** What came back beside the body. */
export type AnswerHead = { status: number; headers: Headers };

export type CallOptions = {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  /** Makes a POST safe to repeat. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** A 401 is this call's own business (signing in) and must not send the person to the sign-in page. */
  ownsUnauthenticated?: boolean;
  /** False where a refusal is what the caller wants to see: then no wait is sat out. Default true. */
  patient?: boolean;
  /** Milliseconds after which the call is given up; 10 s without it. */
  timeoutMilliseconds?: number;
  /** Told of every answer, refusals included, before the call succeeds or fails. */
  onAnswer?: (head: AnswerHead) => void;
};

/** What the client needs from around it. All of it can be replaced in tests. */
export type ClientSurroundings = {
  fetch: typeof fetch;
  /** The token for state-changing calls; may have to be fetched first. */
  csrfToken(): Promise<string>;
  /** The same after the old one was refused. */
  renewCsrfToken(): Promise<string>;
  /** The session is over. */
  onUnauthenticated(): void;
  /** Whether the last call got any answer at all. */
  onReachable(reachable: boolean): void;
  /** A wait the API asked for begins (seconds) or is over (null). */
  onWaiting(seconds: number | null): void;
  /** Resolves after that many seconds; rejects when the signal aborts. */
  wait(seconds: number, signal?: AbortSignal): Promise<void>;
  now(): number;
  isOnline(): boolean;
};

export type Call = <Answer>(path: string, options?: CallOptions) => Promise<Answer>;

/** Makes the function that every call of the pages goes through. It throws `ApiError`, or `AbortError` on abort. */
export function createClient(surroundings: ClientSurroundings): Call {
  return async <Answer>(path: string, options: CallOptions = {}): Promise<Answer> => {
    const changesState = (options.method ?? 'GET') !== 'GET';
    const safeToRepeat = !changesState || options.idempotencyKey !== undefined;
    let token = changesState ? await surroundings.csrfToken() : null;
    let tokenWasRenewed = false;

    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(surroundings, path, options, token);
      options.onAnswer?.({ status: answer.status, headers: answer.headers });
      if (answer.ok) return readAnswer(answer) as Answer;

      const error = errorFromAnswer(
        {
          status: answer.status,
          body: answer.text,
          retryAfter: answer.headers.get('retry-after'),
        },
        surroundings.now(),
      );
      if (changesState && !tokenWasRenewed && isRefusedToken(error)) {
        tokenWasRenewed = true;
        token = await surroundings.renewCsrfToken();
        continue;
      }
      const seconds = options.patient === false ? null : secondsToWait(error, options);
      if (seconds !== null && safeToRepeat && attempt < mostAttempts) {
        await sitOut(surroundings, seconds, options.signal);
        continue;
      }
      if (error.details.status === 401 && options.ownsUnauthenticated !== true) surroundings.onUnauthenticated();
      throw error;
    }
  };
}

function isRefusedToken(error: ApiError): boolean {
  return error.details.status === 403 && error.details.code.toLowerCase().includes('csrf');
}

function secondsToWait(error: ApiError, options: CallOptions): number | null {
  const { status, retryAfterSeconds } = error.details;
  // With a key, a 409 says that the first call with it is still running: its answer will be ours, too.
  if (status === 409 && options.idempotencyKey !== undefined) return Math.max(1, retryAfterSeconds ?? 1);
  if (status !== 429 && status !== 503) return null;
  if (retryAfterSeconds === null || retryAfterSeconds > longestPatienceSeconds) return null;
  return Math.max(1, retryAfterSeconds);
}

async function sitOut(
  surroundings: ClientSurroundings,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  surroundings.onWaiting(seconds);
  try {
    await surroundings.wait(seconds, signal);
  } finally {
    surroundings.onWaiting(null);
  }
}

/** An answer with all of its body. */
type WholeAnswer = Pick<Response, 'ok' | 'status' | 'headers'> & { text: string };

async function send(
  surroundings: ClientSurroundings,
  path: string,
  options: CallOptions,
  token: string | null,
): Promise<WholeAnswer> {
  const headers = new Headers({ accept: 'application/json, application/problem+json' });
  if (token !== null) headers.set('x-csrf-token', token);
  if (options.idempotencyKey !== undefined) headers.set('idempotency-key', options.idempotencyKey);
  if (options.body !== undefined) headers.set('content-type', 'application/json');

  const deadline = AbortSignal.timeout(options.timeoutMilliseconds ?? callTimeoutMilliseconds);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  try {
    const answer = await surroundings.fetch(path, {
      method: options.method ?? 'GET',
      headers,
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    // The body may be late or be cut off like everything before it.
    const text = await answer.text();
    surroundings.onReachable(true);
    return { ok: answer.ok, status: answer.status, headers: answer.headers, text };
  } catch (error) {
    // The page itself gave up, for example because the visitor went on: nobody needs to be told.
    if (options.signal?.aborted === true) throw error;
    surroundings.onReachable(false);
    throw errorWithoutAnswer(deadline.aborted ? 'timeout' : 'unreachable', surroundings.isOnline());
  }
}

function readAnswer({ status, text }: WholeAnswer): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw errorUnexpected(status);
  }
}

/** Whether a thrown value only says that the page no longer wants the answer. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
