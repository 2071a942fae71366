/** The Redis side of a bucket: GCRA in one script, by the clock of the server, so that replicas need not agree on the time. */
import type { Redis } from 'ioredis';

/**
 * KEYS[1] holds the time at which the bucket will be full (µs since the epoch); it goes away by itself when it is.
 *
 * ARGV: interval µs, burst, tokens needed, tokens wanted ahead, level µs below which the bucket cannot be (what was spent
 * while Redis was away). Of what is left beyond the needed ones at most half is given ahead.
 *
 * Answers: tokens given, level µs after that, µs until the next token (0 where all needed ones were given).
 */
const script = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local needed, ahead = tonumber(ARGV[3]), tonumber(ARGV[4])
local known = tonumber(redis.call('GET', KEYS[1]) or '0')
local full_at = math.max(known, now + tonumber(ARGV[5]))
local available = math.max(0, math.floor((now + burst * interval - full_at) / interval))
local given = math.min(needed, available)
if available > needed then
  given = given + math.min(ahead, math.floor((available - needed) / 2))
end
full_at = full_at + given * interval
if full_at > known and full_at > now then
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
end
local wait = 0
if given < needed then wait = math.max(1, full_at + interval - burst * interval - now) end
return { given, full_at - now, wait }
`;

/** A connection that knows the script. */
export interface TakingRedis extends Redis {
  /** See the script. */
  ballastTake(
    key: string,
    intervalMicros: number,
    burst: number,
    needed: number,
    ahead: number,
    atLeastMicros: number,
  ): Promise<[number, number, number]>;
}

/** Teaches a connection the script: it is loaded once and called by its hash. */
export function withTakeScript(redis: Redis): TakingRedis {
  redis.defineCommand('ballastTake', { numberOfKeys: 1, lua: script });
  return redis as TakingRedis;
}
