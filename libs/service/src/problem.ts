/** Errors with a meaning: a closed list of codes, each with its HTTP status and whether trying again can help. */
import type { Problem } from '@ballast/contracts';

/** Status, title and retryability of every code a Ballast service answers with. */
export const problemCodes = {
  'malformed-json': { status: 400, title: 'Malformed JSON', retryable: false },
  'bad-request': { status: 400, title: 'Bad request', retryable: false },
  'missing-idempotency-key': { status: 400, title: 'Idempotency-Key required', retryable: false },
  'invalid-signature': { status: 400, title: 'Invalid signature', retryable: false },
  unauthenticated: { status: 401, title: 'Not signed in', retryable: false },
  'invalid-credentials': { status: 401, title: 'Wrong email address or password', retryable: false },
  'invalid-token': { status: 401, title: 'Invalid token', retryable: false },
  forbidden: { status: 403, title: 'Not allowed', retryable: false },
  'invalid-csrf-token': { status: 403, title: 'Invalid CSRF token', retryable: false },
  'not-found': { status: 404, title: 'Not found', retryable: false },
  'method-not-allowed': { status: 405, title: 'Method not allowed', retryable: false },
  'request-timeout': { status: 408, title: 'Request timeout', retryable: true },
  conflict: { status: 409, title: 'Conflict', retryable: false },
  'in-progress': { status: 409, title: 'Still in progress', retryable: true },
  'version-mismatch': { status: 412, title: 'Somebody else changed it first', retryable: false },
  'too-large': { status: 413, title: 'Too large', retryable: false },
  'uri-too-long': { status: 414, title: 'URI too long', retryable: false },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type', retryable: false },
  'expectation-failed': { status: 417, title: 'Expectation failed', retryable: false },
  'invalid-input': { status: 422, title: 'Invalid input', retryable: false },
  'unknown-product': { status: 422, title: 'Unknown product', retryable: false },
  'unknown-order': { status: 422, title: 'Unknown order', retryable: false },
  'amount-mismatch': { status: 422, title: 'Amounts differ', retryable: false },
  'idempotency-key-reused': { status: 422, title: 'Idempotency-Key used for another request', retryable: false },
  'precondition-required': { status: 428, title: 'If-Match required', retryable: false },
  'rate-limited': { status: 429, title: 'Too many requests', retryable: true },
  'headers-too-large': { status: 431, title: 'Header fields too large', retryable: false },
  internal: { status: 500, title: 'Internal error', retryable: true },
  'not-configured': { status: 503, title: 'Not configured', retryable: false },
  unavailable: { status: 503, title: 'Temporarily unavailable', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

export type ProblemCode = keyof typeof problemCodes;

/** An error that is answered to the caller as it is. Throw it from a route or anything a route calls. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly field: string | undefined;
  /** Seconds for `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
  /** Members added to the problem document, e.g. the current product on 412. */
  readonly extra: Record<string, unknown> | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    options: { field?: string; retryAfterSeconds?: number; extra?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = 'ProblemError';
    this.code = code;
    this.status = problemCodes[code].status;
    this.field = options.field;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (code === 'unavailable' ? 1 : undefined);
    this.extra = options.extra;
  }
}

/** The problem document (RFC 9457) of an error with a meaning. */
export function problem(error: ProblemError, instance?: string): Problem & Record<string, unknown> {
  const { status, title, retryable } = problemCodes[error.code];
  return {
    ...error.extra,
    type: `urn:ballast:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(error.field === undefined ? {} : { field: error.field }),
    retryable,
    ...(instance === undefined ? {} : { instance }),
  };
}
