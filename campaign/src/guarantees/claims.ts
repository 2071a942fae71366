/**
 * Guarantee 4 where the service itself decides: of any number of callers with one key the first files the claim, also
 * when the process dies between its commit and its answer.
 *
 * One real claims service before a checkout that knows every order. Many callers at once under each key repeat until
 * they have an answer; meanwhile the process is killed, by SIGKILL from outside and by its own fail point right after a
 * commit, in turn, and started again. Then the rows say what was filed.
 */
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  freePort,
  spawnService,
  testBroker,
  testDatabase,
  testIdentity,
  until,
  type ServiceProcess,
  type TestDatabase,
} from '@ballast/testing';
import { Agent, request } from 'undici';
import type { GuaranteeReport } from './report.ts';

export interface ClaimsSize {
  keys: number;
  /** Callers at once under each key. */
  callers: number;
  /** Kills of the service, spread over the run. */
  kills: number;
  /** Keys in use at a time. */
  keysAtOnce: number;
  /** Defects to plant in the service, comma separated. */
  defects?: string;
}

/** What is promised, in the size that it is promised for. Takes about a minute on two cores. */
export const fullSize: ClaimsSize = { keys: 2_000, callers: 20, kills: 10, keysAtOnce: 16 };

/** An answer that ends a caller's trying. */
interface Definite {
  status: number;
  claimId: string | undefined;
  code: string | undefined;
  replayed: boolean;
}

/** A key of one user with its order, and what its callers were told. */
interface Keyed {
  userId: string;
  token: string;
  key: string;
  orderId: string;
  answers: Definite[];
  otherBody: Definite | null;
}

interface Mesh {
  service: ServiceProcess;
  start: () => Promise<ServiceProcess>;
  operator: string;
  database: TestDatabase;
  agent: Agent;
  figures: { kills: number; unanswered: number; ordersAsked: number };
}

const claimsMain = join(import.meta.dirname, '../../../apps/claims/src/main.ts');
/** How long a caller goes on asking, in ms. */
const patienceMs = 60_000;
/** Violations of one kind that are told. */
const mostTold = 5;
const users = 20;

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs it and judges it; needs PostgreSQL and RabbitMQ (TEST_…_URL). Whatever it starts is gone at the end. */
export async function checkClaims(size: ClaimsSize): Promise<GuaranteeReport> {
  const identity = await testIdentity();
  const database = await testDatabase({ schema: 'claims', sets: [] });
  const broker = await testBroker();
  const figures = { kills: 0, unanswered: 0, ordersAsked: 0 };
  const checkout = await knowingCheckout(() => (figures.ordersAsked += 1));
  const agent = new Agent({ connections: 256 });
  const port = String(await freePort());
  const started: ServiceProcess[] = [];
  const start = async (): Promise<ServiceProcess> => {
    const service = await spawnService(claimsMain, {
      PORT: port,
      INSTANCE: 'claims-1',
      LAB_MODE: '1',
      DEFECTS: size.defects ?? '',
      POSTGRES_URL: database.url,
      AMQP_URL: broker.url,
      MESSAGING_NAMESPACE: broker.namespace,
      IDENTITY_URL: identity.url,
      CHECKOUT_URLS: checkout.url,
    });
    started.push(service);
    await service.ready();
    return service;
  };
  try {
    const operator = identity.token({ roles: ['operator'] });
    const mesh: Mesh = { service: await start(), start, operator, database, agent, figures };
    const people = Array.from({ length: Math.min(users, size.keys) }, () => {
      const userId = randomUUIDv7();
      return { userId, token: identity.token({ userId }) };
    });
    const keyed = Array.from({ length: size.keys }, (_, index): Keyed => ({
      ...people[index % people.length]!,
      key: `campaign-${index}`,
      orderId: randomUUIDv7(),
      answers: [],
      otherBody: null,
    }));
    const startedAt = performance.now();
    const failures = await drive(mesh, keyed, size);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const violations = [...failures, ...(await judge(mesh, keyed, size))];
    return { figures: summary(mesh, keyed, size, seconds), violations };
  } finally {
    for (const service of started) await service.end('SIGKILL');
    await agent.destroy();
    await checkout.close();
    await broker.clean(['claims.refunds']);
    await database.drop();
    await identity.close();
  }
}

/** A checkout for which every order is a completed one of whoever asks. */
async function knowingCheckout(onAsked: () => void): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((incoming, response) => {
    onAsked();
    const orderId = incoming.url!.slice('/orders/'.length);
    const order = { orderId, state: 'Completed', total: { amount: 1250, currency: 'EUR' } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(order));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Uses up all keys, some at a time, and kills on the way. Resolves to what went wrong for callers. */
async function drive(mesh: Mesh, keyed: readonly Keyed[], size: ClaimsSize): Promise<string[]> {
  const failures: string[] = [];
  const segments = size.kills + 1;
  let next = 0;
  let killing: Promise<void> = Promise.resolve();
  let armed: Promise<void> = Promise.resolve();
  const lane = async (): Promise<void> => {
    for (let one = keyed[next]; one !== undefined; one = keyed[next]) {
      next += 1;
      // The kills are spread over the keys, each while many are under way.
      const segment = (index: number): number => Math.floor((index * segments) / size.keys);
      if (next < size.keys && segment(next) > segment(next - 1)) {
        const gate = Promise.withResolvers<void>();
        armed = gate.promise;
        killing = killing
          .then(() => killOnce(mesh, gate.resolve))
          .catch((error: unknown) => void failures.push(String(error)))
          .finally(gate.resolve);
      }
      // What dies at a commit needs one: the rest waits until it is sure to meet it.
      await armed;
      const { answers } = one;
      const callers = Array.from(
        { length: size.callers },
        async () => void answers.push(await ask(mesh, one, one.key)),
      );
      const other = Promise.any(callers).then(async () => (one.otherBody = await ask(mesh, one, 'something else')));
      for (const result of await Promise.allSettled([...callers, other]))
        if (result.status === 'rejected') failures.push(String(result.reason));
    }
  };
  await Promise.all(Array.from({ length: size.keysAtOnce }, lane));
  await killing;
  return failures.slice(0, mostTold);
}

/** Files until there is an answer that will not change. Rejects after a minute. */
async function ask(mesh: Mesh, { key, token, orderId }: Keyed, details: string): Promise<Definite> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    try {
      const response = await request(`${mesh.service.url}/claims`, {
        dispatcher: mesh.agent,
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ orderId, reason: 'other', details }),
        headersTimeout: 10_000,
        bodyTimeout: 10_000,
      });
      const body = (await response.body.json()) as { claimId?: string; code?: string };
      if (response.statusCode !== 503) {
        const replayed = response.headers['idempotent-replayed'] === 'true';
        return { status: response.statusCode, claimId: body.claimId, code: body.code, replayed };
      }
      mesh.figures.unanswered += 1;
    } catch {
      // Nobody there, or killed in the middle: what a caller under faults must live with.
      mesh.figures.unanswered += 1;
    }
    await pause(20 + Math.random() * 80);
  }
  throw new Error(`${key}: no answer in ${patienceMs / 1_000} s`);
}

/** Kills from outside at any moment, and every second time from inside between a commit and its answers. */
async function killOnce(mesh: Mesh, onArmed: () => void): Promise<void> {
  const { service, figures } = mesh;
  if (figures.kills % 2 === 1) {
    await fetch(`${service.url}/lab/faults/after-claim`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${mesh.operator}`, 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'crash', seconds: 60 }),
      signal: AbortSignal.timeout(10_000),
    });
    onArmed();
    await until('the process to die after a commit', () => service.gone);
  }
  onArmed();
  await service.end('SIGKILL');
  figures.kills += 1;
  mesh.service = await mesh.start();
}

/** What the rows say, and whether it is what the callers were told. */
async function judge(mesh: Mesh, keyed: readonly Keyed[], size: ClaimsSize): Promise<string[]> {
  const rows = await mesh.database.database.query<{ claim_id: string; order_id: string; details: string }>(
    'SELECT claim_id, order_id, details FROM claims',
  );
  const byOrder = Map.groupBy(rows, (row) => row.order_id);
  const found = { effects: [] as string[], answers: [] as string[], firsts: [] as string[], others: [] as string[] };
  for (const { key, orderId, answers, otherBody } of keyed) {
    const filed = byOrder.get(orderId) ?? [];
    const [row] = filed;
    if (filed.length !== 1) found.effects.push(`one claim per key: ${key} has ${filed.length}`);
    if (row !== undefined && row.details !== key) found.effects.push(`one claim per key: ${key} has another body`);
    const wrong = answers.find(
      (answer) =>
        answer.claimId !== row?.claim_id || !(answer.replayed ? answer.status === 200 : answer.status === 201),
    );
    if (wrong !== undefined || answers.length !== size.callers)
      found.answers.push(`one answer per key: ${key} had ${answers.length}, among them ${JSON.stringify(wrong)}`);
    const firsts = answers.filter(({ status }) => status === 201).length;
    if (firsts > 1) found.firsts.push(`201 once per key: ${key} had it ${firsts} times`);
    if (otherBody?.status !== 422 || otherBody.code !== 'idempotency-key-reused')
      found.others.push(`another body is refused: ${key} had ${JSON.stringify(otherBody)}`);
  }
  const hollow = mesh.figures.kills < size.kills ? [`only ${mesh.figures.kills} of ${size.kills} kills happened`] : [];
  return [...hollow, ...Object.values(found).flatMap((list) => list.slice(0, mostTold))];
}

function summary(mesh: Mesh, keyed: readonly Keyed[], size: ClaimsSize, seconds: number): Record<string, number> {
  const answers = keyed.flatMap((one) => one.answers);
  return {
    keys: size.keys,
    callersPerKey: size.callers,
    ...mesh.figures,
    answers: answers.length,
    firsts: answers.filter(({ status }) => status === 201).length,
    replays: answers.filter(({ replayed }) => replayed).length,
    otherBodiesRefused: keyed.filter(({ otherBody }) => otherBody?.status === 422).length,
    seconds,
  };
}
