/** What can go wrong between a page and the API, and how that is told to a person. */
import type { Problem } from '@ballast/contracts';

/**
 * - `problem`      the API answered with an error
 * - `unreachable`  no answer: no network, or nothing listens
 * - `timeout`      no answer in time
 * - `unexpected`   an answer that is not what the contract says
 */
export type FailureKind = 'problem' | 'unreachable' | 'timeout' | 'unexpected';

export type FailureDetails = {
  kind: FailureKind;
  /** HTTP status; 0 where there was no answer. */
  status: number;
  /** Stable machine-readable code of the problem; empty where the API gave none. */
  code: string;
  /** Name of the input to blame, without its path; null where no single one is. */
  field: string | null;
  /** Seconds the API asked to wait; null where it did not. */
  retryAfterSeconds: number | null;
};

/** A failed call. `message` is a sentence that can be shown as it is. */
export class ApiError extends Error {
  readonly details: FailureDetails;

  constructor(sentence: string, details: FailureDetails) {
    super(sentence);
    this.name = 'ApiError';
    this.details = details;
  }

  /**
   * Whether the call may have taken effect although it failed: then only the same call with the same key is safe.
   * A 409 counts, because it is the answer while the first call with that key is still running.
   */
  get outcomeUnknown(): boolean {
    const { kind, status } = this.details;
    return kind !== 'problem' || status >= 500 || status === 409;
  }

  /** Whether the same call is likely to work a little later. */
  get willPass(): boolean {
    const { kind, status } = this.details;
    return kind === 'timeout' || [429, 502, 503, 504].includes(status);
  }
}

const sentences: Record<number, string> = {
  400: 'The shop did not understand that request.',
  401: 'Please sign in to go on.',
  403: 'You may not do that.',
  404: 'That could not be found.',
  408: 'That took too long. Please try again.',
  409: 'That is already under way. Please wait a moment.',
  413: 'That is too much at once.',
  415: 'The shop did not understand that request.',
  422: 'Something in what you entered is not right.',
  429: 'That was a lot at once. Please wait a moment.',
};

/** The sentence for a status without words of its own. */
function sentenceForStatus(status: number): string {
  const known = sentences[status];
  if (known !== undefined) return known;
  if (status >= 502 && status <= 504) return 'A part of the shop is not answering right now.';
  if (status >= 500) return 'Something went wrong on our side. Please try again in a moment.';
  return 'That did not work. Please try again.';
}

/**
 * Seconds to wait from a `Retry-After` header: a number of seconds or an HTTP date (RFC 9110, 10.2.3).
 * Null where it is missing or unreadable. `now` is in milliseconds since the epoch.
 */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const instant = Date.parse(text);
  if (Number.isNaN(instant)) return null;
  return Math.max(0, Math.ceil((instant - now) / 1000));
}

/** The input's own name from a JSON pointer or parameter name: `/payment/method` → `method`; null for none. */
export function fieldName(field: string | undefined): string | null {
  if (field === undefined) return null;
  const names = field.split(/[/.]/).filter((part) => part !== '' && !/^\d+$/.test(part));
  return names.at(-1) ?? null;
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<string, unknown>;
  return typeof candidate['code'] === 'string' && typeof candidate['detail'] === 'string';
}

function parseProblem(body: string): Problem | null {
  try {
    const value: unknown = JSON.parse(body);
    return isProblem(value) ? value : null;
  } catch (error) {
    // Something between the shop and the browser may answer in HTML: then the status has to speak for itself.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The error for an answer that is not 2xx. `now` is in milliseconds since the epoch. */
export function errorFromAnswer(
  answer: { status: number; body: string; retryAfter: string | null },
  now: number,
): ApiError {
  const problem = parseProblem(answer.body);
  // What a 5xx says of itself is meant for those who run the shop.
  const detail = answer.status >= 500 ? '' : (problem?.detail.trim() ?? '');
  return new ApiError(detail === '' ? sentenceForStatus(answer.status) : detail, {
    kind: 'problem',
    status: answer.status,
    code: problem?.code ?? '',
    field: fieldName(problem?.field),
    retryAfterSeconds: parseRetryAfter(answer.retryAfter, now),
  });
}

/** The error where no answer came. `online` is what the browser thinks of its own network. */
export function errorWithoutAnswer(kind: 'unreachable' | 'timeout', online: boolean): ApiError {
  const unreachable = online
    ? 'The shop cannot be reached right now.'
    : 'You seem to be offline. Check your connection.';
  return new ApiError(kind === 'timeout' ? 'The shop took too long to answer. Please try again.' : unreachable, {
    kind,
    status: 0,
    code: '',
    field: null,
    retryAfterSeconds: null,
  });
}

/** The error for an answer that cannot be read. */
export function errorUnexpected(status: number): ApiError {
  return new ApiError('The shop gave an answer this page does not understand. Please reload it.', {
    kind: 'unexpected',
    status,
    code: '',
    field: null,
    retryAfterSeconds: null,
  });
}

/** Seconds that are over before a sentence about them has been read. */
const noWait = 2;

/** Any thrown value as a sentence for a person, with the wait the API asked for. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof ApiError)) return 'Something went wrong in this page. Please reload it.';
  const seconds = error.details.retryAfterSeconds;
  if (seconds === null || seconds <= noWait) return error.message;
  const wait = seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return `${error.message} You can try again in ${wait}.`;
}
