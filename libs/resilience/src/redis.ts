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
    connectTimeout: 1_000,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
}
