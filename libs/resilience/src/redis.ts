/** A connection to Redis on which nothing waits for long. */
import { Redis } from 'ioredis';

/** Milliseconds after which a command counts as failed; a Redis that hangs would else hold everybody for ever. */
const commandTimeoutMs = 150;

/**
 * Connects, and connects again for as long as the process lives. Commands fail at once while there is no connection, and
 * after 150 ms without an answer. Listen to `error`: without a listener ioredis writes to the console.
 */
export function connectRedis(url: string): Redis {
  return new Redis(url, {
    // Timers run before sockets are read: a process that starts on a busy machine would take a connection for one that hangs.
    connectTimeout: 3_000,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
}

/**
 * Sends a command again that timed out, once. Timers run before sockets are read, so in a process that was itself held up
 * a command times out although its answer has been there for long; Redis is not gone for that. The first one may have
 * done its work: only for commands where twice does no harm. Not sent again where `unless` says so by then.
 */
export async function askTwice<Answer>(ask: () => Promise<Answer>, unless: () => boolean): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!isTimeout(error)) throw error;
    // By the next turn of the event loop what has arrived is read.
    await new Promise((resolve) => setImmediate(resolve));
    if (unless()) throw error;
    return await ask();
  }
}

/** ioredis has no class and no code for it. */
const isTimeout = (error: unknown): boolean => error instanceof Error && error.message === 'Command timed out';
