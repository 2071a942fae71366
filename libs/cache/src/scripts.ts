/**
 * The Redis side of the cache. A copy is the string `<revision>:<text>`; one without text says only that older ones are
 * not wanted any more. Revisions are compared in the server, so that no two replicas can overwrite each other.
 */
import { Redis } from 'ioredis';

const revisionOf = `
local function revision_of(key)
  local kept = redis.call('GET', key)
  return kept and tonumber(string.match(kept, '^%d+'))
end`;

/** Answers the server's clock in ms and, where there is a copy, its remaining life in ms and the copy. */
const read = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('GET', KEYS[1])
if not kept then return { now } end
return { now, redis.call('PTTL', KEYS[1]), kept }`;

/** ARGV: revision, text, when it ends by the server's clock in ms, '1' to keep an older one as well (a planted defect). */
const store = `${revisionOf}
local known = revision_of(KEYS[1])
if known and known > tonumber(ARGV[1]) and ARGV[4] ~= '1' then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PXAT', ARGV[3])
return 1`;

/**
 * ARGV: channel, message, how long an older copy may still arrive in ms, then a revision for each key. The copies are
 * gone before anybody is told, so that who asks again does not find the old one.
 */
const announce = `${revisionOf}
for place, key in ipairs(KEYS) do
  local revision = ARGV[place + 3]
  local known = revision_of(key)
  if not known or known < tonumber(revision) then redis.call('SET', key, revision .. ':', 'PX', ARGV[3]) end
end
return redis.call('PUBLISH', ARGV[1], ARGV[2])`;

/** Drops the text, keeps the revision. */
const drop = `
local kept = redis.call('GET', KEYS[1])
local known = kept and string.match(kept, '^%d+:')
if known then redis.call('SET', KEYS[1], known, 'KEEPTTL') end`;

/** A connection that knows the scripts. */
export interface CacheRedis extends Redis {
  cacheRead(key: string): Promise<[now: number] | [now: number, remainingMs: number, copy: string]>;
  cacheStore(key: string, revision: number, text: string, endsAt: number, anyOrder: '0' | '1'): Promise<number>;
  cacheAnnounce(keys: number, ...keysAndArguments: readonly (string | number)[]): Promise<number>;
  cacheDrop(key: string): Promise<null>;
}

/** Without an answer for this long a connection is taken for dead, closed and opened again, in ms. */
const silenceMs = 1_500;

/**
 * Connects, and connects again for as long as the process lives. Commands fail at once while there is no connection, and
 * after `commandTimeoutMs` without an answer. Listen to `error`: without a listener ioredis writes to the console.
 */
export function connect(url: string, commandTimeoutMs: number): CacheRedis {
  const redis = new Redis(url, {
    // Timers run before sockets are read: a process that starts on a busy machine would take a connection for one that hangs.
    connectTimeout: 3_000,
    commandTimeout: commandTimeoutMs,
    socketTimeout: silenceMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // It asks before it says `ready`; here the first command finds out.
    enableReadyCheck: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
  redis.defineCommand('cacheRead', { numberOfKeys: 1, lua: read });
  redis.defineCommand('cacheStore', { numberOfKeys: 1, lua: store });
  redis.defineCommand('cacheAnnounce', { lua: announce });
  redis.defineCommand('cacheDrop', { numberOfKeys: 1, lua: drop });
  return redis as CacheRedis;
}
