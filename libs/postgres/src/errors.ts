/** Database errors with a meaning: SQLSTATE, and whether the same statement may succeed when tried again. */
import pg from 'pg';

/** SQLSTATEs, or their two-letter classes, after which trying again can help. Source: PostgreSQL manual, appendix A. */
const retryableStates: readonly string[] = [
  '08', // connection exception
  '25P03', // this process stood still in the middle of a transaction
  '40001', // serialization failure
  '40P01', // deadlock detected
  '53', // insufficient resources: too many connections, out of memory, disk full
  '55P03', // lock not available
  '57014', // statement timeout
  '57P', // admin shutdown, crash shutdown, cannot connect now
  '28000', // a rotated role that is gone: the next pool has a new one
  '28P01',
];

/** What the driver says when there is no SQLSTATE because there was no server to send one. */
const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ECONNABORTED',
  'EAI_AGAIN',
]);
const connectionMessages = /terminated|timeout|not queryable|ended|closed/i;

/** A failed statement. `retryable` is true where the database, not the statement, was the trouble. */
export class DatabaseError extends Error {
  /** Five characters, or undefined where the server was not reached. */
  readonly sqlstate: string | undefined;
  readonly constraint: string | undefined;
  readonly retryable: boolean;
  constructor(
    message: string,
    options: { cause: unknown; sqlstate?: string; constraint?: string; retryable: boolean },
  ) {
    super(message, { cause: options.cause });
    this.name = 'DatabaseError';
    this.sqlstate = options.sqlstate;
    this.constraint = options.constraint;
    this.retryable = options.retryable;
  }
}

/** Gives a driver error its meaning; anything that is not one comes back unchanged. */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  if (error instanceof pg.DatabaseError) {
    const sqlstate = error.code ?? '';
    return new DatabaseError(error.message, {
      cause: error,
      sqlstate,
      ...(error.constraint === undefined ? {} : { constraint: error.constraint }),
      retryable: retryableStates.some((state) => sqlstate.startsWith(state)),
    });
  }
  if (!(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (
    (code !== undefined && connectionCodes.has(code)) ||
    (code === undefined && connectionMessages.test(error.message))
  ) {
    return new DatabaseError(error.message, { cause: error, retryable: true });
  }
  return error;
}

/** Whether the server let nobody in under this login. Nothing had begun then. */
export function isRefusedLogin(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlstate?.startsWith('28') === true;
}

/** Whether the server ended the session from its side, as it does when its login is revoked. */
export function isEndedSession(error: unknown): boolean {
  return error instanceof DatabaseError && error.sqlstate === '57P01';
}

/**
 * Whether the next statement would likely fare no better: the database gave no answer, none in time, or had no room. Not so
 * after a deadlock or the like, nor after a login that was ended, which another one replaces.
 */
export function isOutOfReach(error: unknown): boolean {
  if (!(error instanceof DatabaseError) || !error.retryable) return false;
  const { sqlstate } = error;
  return sqlstate === undefined || sqlstate === '57014' || sqlstate.startsWith('53') || sqlstate.startsWith('08');
}

/** Whether trying the same again later can help; true for anything that says so of itself. */
export function isRetryable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && (error as { retryable?: unknown }).retryable === true;
}
