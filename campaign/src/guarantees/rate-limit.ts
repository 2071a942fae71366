/**
 * Guarantee 10: accepted ≤ burst + rate × time across replicas, whatever headers callers make up; waiting `Retry-After`
 * succeeds; a refusal costs no call; and with Redis cut or frozen there is still a limit, and nobody waits for it.
 *
 * Two real bffs share one Redis over a link that can be cut, and one catalog that counts. All callers come from one
 * address and so spend from one bucket.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { partUrl, until, type ServiceProcess } from '@ballast/testing';
import { Agent } from 'undici';
import { linkTo, type Link } from './link.ts';
import { loneBffs, metric, quantile } from './lone-bff.ts';
import { moodyCatalog, productPath } from './moody-catalog.ts';

export interface RateLimitSize {
  callers: number;
  /** How long they call with Redis there; cut and frozen it is a third of that each. */
  seconds: number;
  burst: number;
  perSecond: number;
  /** How often a refused caller waits for what it was told. */
  waits: number;
  /** Defects to plant in the bffs, comma separated. */
  defects?: string;
  /** Share of answers that must not wait for a Redis that is away, 0.99 where nothing is said: a machine may be held up. */
  promptShare?: number;
}

/** What is promised. About a minute and a half. */
export const fullSize: RateLimitSize = { callers: 50, seconds: 30, burst: 300, perSecond: 100, waits: 10 };

interface Calls {
  accepted: number;
  refused: number;
  other: number;
  seconds: number;
  milliseconds: number[];
}

/** Pause between a caller's requests, in ms: many more than are allowed, and not all the machine can do. */
const pauseMs = 20;
/** Nobody waits long for a Redis that is away: promised are two time-outs (300 ms), once. In ms. */
const generousMs = 1_000;
/** Every caller calls so often at least, however long that takes: one hold-up of the machine is one call of each. */
const leastTurns = 10;
/** How often to try again to call without a hold-up so long that a replica loses Redis. */
const mostTries = 5;

/** Runs it. Needs PostgreSQL and Redis (`TEST_POSTGRES_URL`, `TEST_REDIS_URL`). */
export async function checkRateLimit(
  size: RateLimitSize,
): Promise<{ figures: Record<string, number>; violations: string[] }> {
  const catalog = await moodyCatalog();
  const link = await linkTo(partUrl('REDIS'));
  const { bffs, close } = await loneBffs(2, catalog.url, {
    REDIS_URL: link.url,
    RATE_LIMIT_BURST: String(size.burst),
    RATE_LIMIT_PER_SECOND: String(size.perSecond),
    DEFECTS: size.defects ?? '',
  });
  const agent = new Agent({ connections: 64 });
  const violations: string[] = [];
  const allowed = (seconds: number): number => size.burst + size.perSecond * seconds;
  const figures: Record<string, number> = {};

  try {
    await until('both replicas to have Redis', () => haveRedis(bffs));
    const startedAt = performance.now();
    const { calls: whole, accepted: acceptedWhole } = await withRedis(agent, bffs, size, size.seconds);
    figures['accepted'] = whole.accepted;
    figures['allowed'] = Math.floor(allowed(whole.seconds));
    figures['refused'] = whole.refused;
    if (whole.accepted > allowed(whole.seconds)) {
      violations.push(`accepted ${whole.accepted}, allowed are ${figures['allowed']}`);
    }
    // What lets nobody in keeps the limit as well.
    if (whole.accepted < allowed(whole.seconds) / 2) violations.push(`hollow: accepted only ${whole.accepted}`);
    if (whole.other > 0) violations.push(`${whole.other} answers were neither 200 nor 429`);
    if (catalog.arrived !== acceptedWhole) {
      violations.push(`${catalog.arrived} calls to the catalog for ${acceptedWhole} accepted requests`);
    }

    figures['waits'] = size.waits;
    figures['waitsInVain'] = await waitAndSee(agent, bffs, size.waits);
    if (figures['waitsInVain'] > 0)
      violations.push(`Retry-After was waited for in vain ${figures['waitsInVain']} times`);

    let accepted = acceptedWhole;
    for (const state of ['cut', 'frozen'] as const) {
      const calls = await withoutRedis(agent, bffs, link, state, size);
      accepted += calls.accepted;
      const promptShare = size.promptShare ?? 0.99;
      const waited = quantile(calls.milliseconds, promptShare);
      figures[`${state}Accepted`] = calls.accepted;
      figures[`${state}Allowed`] = Math.floor(2 * allowed(calls.seconds));
      figures[`${state}P99`] = Math.round(quantile(calls.milliseconds, 0.99));
      // Each replica goes on by itself, from where the bucket was: never more than two buckets' worth.
      if (calls.accepted > 2 * allowed(calls.seconds)) violations.push(`${state}: accepted ${calls.accepted}`);
      if (calls.accepted === 0) violations.push(`${state}: nobody was let in`);
      if (calls.refused === 0) violations.push(`${state}: nobody was refused`);
      if (calls.other > 0) violations.push(`${state}: ${calls.other} answers were neither 200 nor 429`);
      if (waited > generousMs)
        violations.push(`${state}: answers took ${Math.round(waited)} ms at p${promptShare * 100}`);
      link.set('whole');
      await until('both replicas to have Redis again', () => haveRedis(bffs));
    }
    const { calls: last, accepted: acceptedLast } = await withRedis(agent, bffs, size, 1);
    accepted += acceptedLast;
    figures['acceptedInAll'] = accepted;
    const seconds = (performance.now() - startedAt) / 1_000;
    if (accepted > 2 * allowed(seconds)) violations.push(`accepted ${accepted} in all`);
    if (last.accepted > allowed(last.seconds)) violations.push(`accepted ${last.accepted} once Redis was back`);
  } finally {
    await agent.destroy();
    await close();
    await link.close();
    await catalog.close();
  }
  return { figures, violations };
}

/**
 * Calls until no replica has lost Redis meanwhile: one that is held up for long takes it for gone and goes on by itself,
 * as promised. The calls of that try, and what was accepted in all tries.
 */
async function withRedis(
  agent: Agent,
  bffs: readonly ServiceProcess[],
  size: RateLimitSize,
  seconds: number,
): Promise<{ calls: Calls; accepted: number }> {
  let accepted = 0;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const before = await redisLost(bffs);
    const calls = await callAtOnce(agent, bffs, size.callers, seconds);
    accepted += calls.accepted;
    if ((await redisLost(bffs)) === before) return { calls, accepted };
    await until('both replicas to have Redis again', () => haveRedis(bffs));
    // The next try begins as the first one did: with a full bucket.
    await pause((size.burst / size.perSecond) * 1_000);
  }
  throw new Error(`hollow: a replica lost Redis in each of ${mostTries} tries`);
}

async function withoutRedis(
  agent: Agent,
  bffs: readonly ServiceProcess[],
  link: Link,
  state: 'cut' | 'frozen',
  size: RateLimitSize,
): Promise<Calls> {
  link.set(state);
  return await callAtOnce(agent, bffs, size.callers, Math.max(1, size.seconds / 3));
}

/** How often they have lost Redis so far. */
async function redisLost(bffs: readonly ServiceProcess[]): Promise<number> {
  const times = await Promise.all(bffs.map((bff) => metric(bff, 'bff_rate_limit_redis_lost_total')));
  return times.reduce((sum, value) => sum + value, 0);
}

async function haveRedis(bffs: readonly ServiceProcess[]): Promise<boolean> {
  const local = await Promise.all(bffs.map((bff) => metric(bff, 'bff_rate_limit_local')));
  return local.every((value) => value === 0);
}

/** All callers call both replicas in turn for some seconds, each request with other made-up headers. */
async function callAtOnce(
  agent: Agent,
  bffs: readonly ServiceProcess[],
  callers: number,
  seconds: number,
): Promise<Calls> {
  const calls: Calls = { accepted: 0, refused: 0, other: 0, seconds: 0, milliseconds: [] };
  const startedAt = performance.now();
  const stopAt = startedAt + seconds * 1_000;
  const caller = async (number: number): Promise<void> => {
    for (let turn = number; performance.now() < stopAt || turn < number + leastTurns; turn += 1) {
      const askedAt = performance.now();
      const { status } = await read(agent, bffs[turn % bffs.length]!, madeUp());
      calls.milliseconds.push(performance.now() - askedAt);
      if (status === 200) calls.accepted += 1;
      else if (status === 429) calls.refused += 1;
      else calls.other += 1;
      await pause(pauseMs * (0.5 + Math.random()));
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  calls.seconds = (performance.now() - startedAt) / 1_000;
  return calls;
}

/** Empties the bucket, waits for as long as the refusal says, and asks the other replica. Returns how often in vain. */
async function waitAndSee(agent: Agent, bffs: readonly ServiceProcess[], times: number): Promise<number> {
  let inVain = 0;
  for (let turn = 0; turn < times; turn += 1) {
    const refusing = bffs[turn % bffs.length]!;
    const refused = await until('a refusal', async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => read(agent, refusing, {})));
      return answers.find(({ status }) => status === 429);
    });
    if (!(refused.retryAfter >= 1)) inVain += 1;
    await pause(refused.retryAfter * 1_000);
    const { status } = await read(agent, bffs[(turn + 1) % bffs.length]!, {});
    if (status !== 200) inVain += 1;
  }
  return inVain;
}

/** Headers that claim another address, another session or another token, and ask for what nobody else does. */
function madeUp(): Record<string, string> {
  const address = `10.${byte()}.${byte()}.${byte()}`;
  const session = `${randomBytes(32).toString('base64url')}.${randomBytes(32).toString('base64url')}`;
  return {
    'x-forwarded-for': address,
    forwarded: `for=${address}`,
    'x-real-ip': address,
    'x-client-ip': address,
    'true-client-ip': address,
    'cf-connecting-ip': address,
    cookie: `ballast_session=${session}`,
    authorization: `Bearer ${randomUUID()}`,
    'x-request-id': randomUUID(),
    // Reads that ask the same at once share a call, and calls are counted.
    'if-none-match': `"${randomUUID()}"`,
  };
}

const byte = (): number => Math.floor(Math.random() * 256);
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function read(
  agent: Agent,
  bff: ServiceProcess,
  headers: Record<string, string>,
): Promise<{ status: number; retryAfter: number }> {
  const answer = await agent.request({ origin: bff.url, path: productPath, method: 'GET', headers });
  await answer.body.dump();
  return { status: answer.statusCode, retryAfter: Number(answer.headers['retry-after']) };
}
