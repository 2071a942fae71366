/**
 * Guarantee 4: one effect per key under any number of concurrent callers and a crash in between.
 *
 * Two real bffs on one database before a checkout that counts its orders. Many callers at once under each key, through
 * both, repeat until they have an answer; in between a bff is killed with SIGKILL and started again. Then the rows say
 * how many orders there are, what is stored, and whether anything still counts as running.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  freePort,
  partUrl,
  spawnService,
  testDatabase,
  testIdentity,
  until,
  type ServiceProcess,
} from '@ballast/testing';
import { Agent, request } from 'undici';
import { countingCheckout } from './counting-checkout.ts';
import { judgeIdempotency, type Definite, type Judged, type Keyed } from './idempotency-judge.ts';
import type { GuaranteeReport } from './report.ts';

export interface IdempotencySize {
  keys: number;
  /** Callers at once under each key. */
  callers: number;
  /** Kills of a bff, spread over the run. */
  kills: number;
  /** Keys in use at a time. */
  keysAtOnce: number;
  /** The leases of who was killed pass at once instead of in their time: by a row, as no clock can be turned. */
  passLeases: boolean;
  /** Defects to plant in the bffs, comma separated. */
  defects?: string;
}

/** What is promised, in the size that it is promised for. Takes about two minutes on two cores. */
export const fullSize: IdempotencySize = { keys: 2_000, callers: 20, kills: 10, keysAtOnce: 40, passLeases: false };

interface Mesh extends Judged {
  bffs: ServiceProcess[];
  /** What each calls itself: another name after each start, so that rows tell the living from the dead. */
  names: string[];
  agent: Agent;
}

const bffMain = join(import.meta.dirname, '../../../apps/bff/src/main.ts');
/** How long a caller goes on asking, in ms. */
const patienceMs = 60_000;

const productId = randomUUID();
const bodyOf = (quantity: number): string =>
  JSON.stringify({ lines: [{ productId, quantity }], payment: { provider: 'stripe', method: 'pm_card_visa' } });
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs it. Needs PostgreSQL and Redis (`TEST_POSTGRES_URL`, `TEST_REDIS_URL`). */
export async function checkIdempotency(size: IdempotencySize): Promise<GuaranteeReport> {
  const startedAt = performance.now();
  const identity = await testIdentity();
  const checkout = await countingCheckout(() => 5 + Math.random() * 35);
  const database = await testDatabase({ schema: 'bff', sets: [] });
  const agent = new Agent({ connections: 256, connect: { timeout: 2_000 } });
  const figures = { requests: 0, waits: 0, kills: 0, heldByTheDead: 0 };
  const mesh: Mesh = { bffs: [], names: [], checkout, database, agent, figures };
  try {
    const start = await bffStarter(mesh, identity.url, size.defects ?? '');
    mesh.bffs = await Promise.all([start(0), start(1)]);
    const keyed = Array.from({ length: size.keys }, (_, index): Keyed => {
      const userId = randomUUID();
      // Two users share each key: it is theirs alone all the same.
      const key = `order-${Math.floor(index / 2)}`;
      return { userId, key, token: identity.token({ userId }), answers: [], otherBody: null };
    });
    const failures = await drive(mesh, keyed, size, start);
    const violations = [...failures, ...(await judgeIdempotency(mesh, keyed, size.kills))];
    return { figures: await count(mesh, keyed, size, startedAt), violations };
  } finally {
    await Promise.all(mesh.bffs.map((bff) => bff.end('SIGKILL')));
    await agent.destroy();
    await checkout.close();
    await database.drop();
    await identity.close();
  }
}

/** Starts the bff with that index, always on the same port. */
async function bffStarter(
  mesh: Mesh,
  identityUrl: string,
  defects: string,
): Promise<(index: number) => Promise<ServiceProcess>> {
  const ports = [await freePort(), await freePort()];
  let starts = 0;
  return async (index) => {
    const name = `bff-${index + 1}-${(starts += 1)}`;
    const bff = await spawnService(bffMain, {
      PORT: String(ports[index]),
      INSTANCE: name,
      LOG_LEVEL: 'warn',
      LAB_MODE: '1',
      DEFECTS: defects,
      POSTGRES_URL: mesh.database.url,
      REDIS_URL: partUrl('REDIS'),
      IDENTITY_URL: identityUrl,
      CATALOG_URLS: mesh.checkout.url,
      CHECKOUT_URLS: mesh.checkout.url,
      PAYMENTS_URL: mesh.checkout.url,
      CLAIMS_URL: mesh.checkout.url,
      // Limits are another guarantee: here nobody waits for them.
      RATE_LIMIT_BURST: '1000000',
      RATE_LIMIT_PER_SECOND: '1000000',
      SESSION_SECRET: 'a secret of a campaign that is long enough',
    });
    await until(`${name} to answer`, async () => {
      if (bff.gone) return true;
      return (await fetch(`${bff.url}/healthz`, { signal: AbortSignal.timeout(1_000) })).ok;
    });
    if (bff.gone) throw new Error(`${name} has ended:\n${bff.lines.join('\n')}`);
    mesh.names[index] = name;
    return bff;
  };
}

/** Uses up all keys, some at a time, and kills on the way. Resolves to what went wrong for callers. */
async function drive(
  mesh: Mesh,
  keyed: readonly Keyed[],
  size: IdempotencySize,
  start: (index: number) => Promise<ServiceProcess>,
): Promise<string[]> {
  const failures: string[] = [];
  let next = 0;
  let killing: Promise<void> = Promise.resolve();
  const lane = async (): Promise<void> => {
    for (let one = keyed[next]; one !== undefined; one = keyed[next]) {
      next += 1;
      // The kills are spread over the keys, each while many are under way.
      if (Math.floor((next * (size.kills + 1)) / size.keys) > Math.floor(((next - 1) * (size.kills + 1)) / size.keys)) {
        if (next < size.keys)
          killing = killing
            .then(() => killOne(mesh, size, start))
            .catch((error: unknown) => void failures.push(String(error)));
      }
      const callers = Array.from({ length: size.callers }, (_, caller) => callUntilAnswered(mesh, one, caller));
      const other = Promise.any(callers).then(() => ask(mesh, one, bodyOf(2), 0));
      const results = await Promise.allSettled([...callers, other.then((answer) => void (one.otherBody = answer))]);
      for (const result of results) if (result.status === 'rejected') failures.push(String(result.reason));
    }
  };
  await Promise.all(Array.from({ length: size.keysAtOnce }, lane));
  await killing;
  return failures.slice(0, 10);
}

async function callUntilAnswered(mesh: Mesh, keyed: Keyed, caller: number): Promise<void> {
  keyed.answers.push(await ask(mesh, keyed, bodyOf(1), caller));
}

/** Asks again, at one bff and the other, until there is an answer that will not change. Rejects after a minute. */
async function ask(mesh: Mesh, { key, token }: Keyed, body: string, caller: number): Promise<Definite> {
  const deadline = performance.now() + patienceMs;
  for (let attempt = caller; performance.now() < deadline; attempt += 1) {
    const { status, headers, text } = await send(mesh, mesh.bffs[attempt % mesh.bffs.length]!.url, key, token, body);
    if (status !== 0 && status !== 409 && status !== 429 && status < 500) {
      return {
        status,
        body: text,
        location: typeof headers['location'] === 'string' ? headers['location'] : '',
        replayed: headers['idempotent-replayed'] === 'true',
      };
    }
    const told = status === 409 || status === 429 ? Number(headers['retry-after'] ?? 1) * 1_000 : 0;
    if (status === 409) mesh.figures['waits']! += 1;
    await pause(told + Math.random() * 100);
  }
  throw new Error(`${key}: no answer in ${patienceMs / 1_000} s`);
}

interface Received {
  /** 0 where there was no answer. */
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

async function send(mesh: Mesh, url: string, key: string, token: string, body: string): Promise<Received> {
  try {
    const response = await request(`${url}/api/orders`, {
      dispatcher: mesh.agent,
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
    const text = await response.body.text();
    mesh.figures['requests']! += 1;
    return { status: response.statusCode, headers: response.headers, text };
  } catch (error) {
    // Nobody there, or killed in the middle: what a caller under faults must live with.
    return { status: 0, headers: {}, text: String(error) };
  }
}

/** Kills a bff that is at work, looks at what it left behind, and starts it again. */
async function killOne(
  mesh: Mesh,
  size: IdempotencySize,
  start: (index: number) => Promise<ServiceProcess>,
): Promise<void> {
  const held = (name: string): Promise<{ principal: string; key: string }[]> =>
    mesh.database.database.query('SELECT principal, key FROM idempotency_keys WHERE starts_with(holder, $1)', [
      `${name}/`,
    ]);
  // Orders stand still for a moment: what is under way when it is killed is then still under way.
  const resume = mesh.checkout.pause();
  let index: number;
  try {
    index = await until('a bff at work', async () => {
      const work = await Promise.all(mesh.names.map(held));
      const found = work.findIndex((rows) => rows.length > 0);
      return found === -1 ? undefined : found;
    });
    await mesh.bffs[index]!.end('SIGKILL');
  } finally {
    resume();
  }
  mesh.figures['kills']! += 1;
  const dead = mesh.names[index]!;
  const left = await held(dead);
  mesh.figures['heldByTheDead']! += left.length;
  mesh.bffs[index] = await start(index);
  if (!size.passLeases || left.length === 0) return;
  // What the dead had asked for may still be going on behind it.
  await until('the end of what the dead one asked for', () =>
    left.every(({ principal, key }) => !mesh.checkout.isBusyWith(principal, key)),
  );
  await mesh.database.database.query(
    `UPDATE idempotency_keys r SET held_until = now() - interval '1 second'
       FROM unnest($1::text[], $2::text[]) AS dead(principal, key)
      WHERE r.principal = dead.principal AND r.key = dead.key AND starts_with(r.holder, $3)`,
    [left.map((row) => row.principal), left.map((row) => row.key), `${dead}/`],
  );
}

async function count(
  mesh: Mesh,
  keyed: readonly Keyed[],
  size: IdempotencySize,
  startedAt: number,
): Promise<Record<string, number>> {
  const [effects] = await mesh.checkout.store.database.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM effects',
  );
  const answers = keyed.flatMap((one) => one.answers);
  return {
    keys: size.keys,
    callersPerKey: size.callers,
    ...mesh.figures,
    answers: answers.length,
    replays: answers.filter(({ replayed }) => replayed).length,
    otherBodiesRefused: keyed.filter(({ otherBody }) => otherBody?.status === 422).length,
    callsToCheckout: mesh.checkout.calls,
    effects: effects!.count,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}
