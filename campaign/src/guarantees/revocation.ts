/**
 * Guarantee 7: a session that was ended is refused by every service, and its open streams are closed, within a second;
 * a service that cannot know refuses writes.
 *
 * Against a whole mesh. Sessions are begun and ended at identity; from the moment it says so every service is asked with
 * the session's token, again and again, until it refuses. Then identity is frozen.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { demoAccounts, type Mesh } from '@ballast/lab';
import { Agent, request } from 'undici';
import type { GuaranteeReport } from './report.ts';

export interface RevocationSize {
  /** Sessions that are ended one after the other, `atOnce` at a time. */
  revocations: number;
  atOnce: number;
  /** How long a service may not know of it, in ms, if not the second promised: a small run shares its machine. */
  withinMs?: number;
}

/** What is promised, in the size that it is promised for. */
export const fullSize: RevocationSize = { revocations: 1_000, atOnce: 4 };

const promisedMs = 1_000;
/** A view may be five seconds old, and what was on its way when identity froze arrives after that; in ms. */
const blindForMs = 7_000;
/** A question that needs somebody signed in, by service; whatever it answers otherwise, to the revoked it is 401. */
const questions: Readonly<Record<string, { method: 'GET' | 'POST'; path: string; body?: unknown }>> = {
  bff: { method: 'GET', path: '/api/orders?limit=1' },
  identity: { method: 'POST', path: '/logout' },
  catalog: { method: 'POST', path: '/products/quote', body: { productIds: ['0199a2f4-0000-7000-8000-000000000001'] } },
  claims: { method: 'GET', path: '/claims?limit=1' },
  payments: { method: 'GET', path: '/dead-letters' },
  checkout: { method: 'GET', path: '/orders?limit=1' },
};

/** A write by service that changes nothing: refused with 503 before its content is looked at. */
const writes: Readonly<Record<string, { path: string; body: unknown }>> = {
  bff: { path: '/api/orders', body: {} },
  catalog: { path: '/products/quote', body: { productIds: ['0199a2f4-0000-7000-8000-000000000001'] } },
  claims: { path: '/claims', body: {} },
  payments: { path: '/dead-letters/replay', body: {} },
  checkout: { path: '/orders', body: {} },
};

const serviceOf = (instance: string): string => instance.replace(/-\d+$/, '');

/** Runs it against `mesh`, which is left as it was found. */
export async function checkRevocation(mesh: Mesh, size: RevocationSize): Promise<GuaranteeReport> {
  const boundMs = size.withinMs ?? promisedMs;
  /** It is judged by `boundMs`; that it is refused at all is waited for a little longer. */
  const patienceMs = boundMs + 1_000;
  const agent = new Agent({ connections: 64, connect: { timeout: 10_000 } });
  const violations: string[] = [];
  const delays: number[] = [];
  const identity = mesh.urls['identity']!;
  const instances = mesh.services.filter((name) => questions[serviceOf(name)] !== undefined);

  const call = async (
    url: string,
    method: 'GET' | 'POST',
    options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; text: string }> => {
    const response = await request(url, {
      dispatcher: agent,
      method,
      headers: {
        ...options.headers,
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      headersTimeout: 15_000,
      bodyTimeout: 15_000,
    });
    return { status: response.statusCode, text: await response.body.text() };
  };
  const signIn = async (): Promise<string> => {
    const { status, text } = await call(`${identity}/login`, 'POST', { body: demoAccounts[1]! });
    if (status !== 200) throw new Error(`signing in was answered ${status}`);
    return (JSON.parse(text) as { accessToken: string }).accessToken;
  };
  /** Resolves to when it was over. An answer of 503 promises nothing, and a customer asks again; 401: it was over by then. */
  const signOut = async (token: string): Promise<number> => {
    for (let tries = 1; ; tries += 1) {
      const { status } = await call(`${identity}/logout`, 'POST', { token });
      if (status === 204 || (status === 401 && tries > 1)) return performance.now();
      if (status !== 503 || tries === 5) throw new Error(`signing out was answered ${status}`);
      await pause(200);
    }
  };
  const ask = async (instance: string, token: string): Promise<number> => {
    const question = questions[serviceOf(instance)]!;
    const headers = question.path === '/orders' ? { 'idempotency-key': randomUUID() } : {};
    const { method, path, body } = question;
    const { status } = await call(`${mesh.urls[instance]!}${path}`, method, {
      token,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    return status;
  };
  const waitFor = async (ready: () => Promise<boolean>, milliseconds: number): Promise<boolean> => {
    const until = performance.now() + milliseconds;
    while (performance.now() < until) {
      if (await ready()) return true;
      await pause(5);
    }
    return false;
  };

  const revokeOne = async (): Promise<void> => {
    const token = await signIn();
    for (const instance of instances) {
      // Asking identity here would end the session.
      if (instance !== 'identity' && (await ask(instance, token)) === 401)
        violations.push(`${instance} refused a session that had just begun`);
    }
    const endedAt = await signOut(token);
    await Promise.all(
      instances.map(async (instance) => {
        const refused = await waitFor(async () => (await ask(instance, token)) === 401, patienceMs);
        const delay = performance.now() - endedAt;
        delays.push(delay);
        if (!refused || delay > boundMs)
          violations.push(
            `${instance} let an ended session in for ${Math.round(delay)} ms${refused ? '' : ' and longer'}`,
          );
      }),
    );
  };

  let next = 0;
  await Promise.all(
    Array.from({ length: size.atOnce }, async () => {
      while (next < size.revocations) {
        next += 1;
        await revokeOne();
      }
    }),
  );

  // Open streams: an order that cannot move on while payments is frozen.
  await mesh.pause('payments');
  let streamsClosed = 0;
  try {
    const token = await signIn();
    const products = JSON.parse((await call(`${mesh.urls['bff']!}/api/products?limit=1`, 'GET')).text) as {
      items: { productId: string }[];
    };
    const order = JSON.parse(
      (
        await call(`${mesh.urls['bff']!}/api/orders`, 'POST', {
          token,
          headers: { 'idempotency-key': randomUUID() },
          body: {
            lines: [{ productId: products.items[0]!.productId, quantity: 1 }],
            payment: { provider: 'stripe', method: 'pm_card_visa' },
          },
        })
      ).text,
    ) as { orderId: string };
    const urls = [
      `${mesh.urls['bff']!}/api/orders/${order.orderId}/events`,
      ...instances
        .filter((name) => serviceOf(name) === 'checkout')
        .map((name) => `${mesh.urls[name]!}/orders/${order.orderId}/events`),
    ];
    const streams = await Promise.all(
      urls.map(async (url) => {
        const { body, statusCode } = await request(url, {
          dispatcher: agent,
          headers: { authorization: `Bearer ${token}` },
          bodyTimeout: 0,
        });
        if (statusCode !== 200) throw new Error(`${url} was answered ${statusCode}`);
        let closedAt = Number.POSITIVE_INFINITY;
        body.on('data', () => {});
        for (const event of ['end', 'close', 'error'])
          body.on(event, () => (closedAt = Math.min(closedAt, performance.now())));
        return { url, closedAt: () => closedAt, destroy: () => body.destroy() };
      }),
    );
    const endedAt = await signOut(token);
    for (const stream of streams) {
      const closed = await waitFor(async () => stream.closedAt() < Number.POSITIVE_INFINITY, patienceMs);
      const delay = stream.closedAt() - endedAt;
      if (closed) {
        streamsClosed += 1;
        delays.push(delay);
      }
      if (!closed || delay > boundMs)
        violations.push(
          `the open stream ${new URL(stream.url).pathname} outlived its session by ${Math.round(delay)} ms`,
        );
      stream.destroy();
    }
  } finally {
    await mesh.resume('payments');
  }

  // Not knowing: identity is frozen, so nobody can say who was signed out since.
  const token = await signIn();
  const write = async (instance: string): Promise<number> => {
    const { path, body } = writes[serviceOf(instance)]!;
    const headers = { 'idempotency-key': randomUUID() };
    return (await call(`${mesh.urls[instance]!}${path}`, 'POST', { token, body, headers })).status;
  };
  const writers = instances.filter((name) => writes[serviceOf(name)] !== undefined);
  for (const instance of writers) {
    const status = await write(instance);
    if (status === 503) violations.push(`${instance} answered a write 503 while identity was there`);
  }
  const frozenAt = performance.now();
  await mesh.pause('identity');
  let closedDoors = 0;
  try {
    await Promise.all(
      writers.map(async (instance) => {
        if (await waitFor(async () => (await write(instance)) === 503, blindForMs + boundMs)) closedDoors += 1;
        else
          violations.push(
            `${instance} took a write ${Math.round(performance.now() - frozenAt)} ms after it last heard of identity`,
          );
        if ((await ask(instance, token)) === 401)
          violations.push(`${instance} refused a read while identity was frozen`);
      }),
    );
  } finally {
    await mesh.resume('identity');
  }
  const resumedAt = performance.now();
  await Promise.all(
    writers.map(async (instance) => {
      if (!(await waitFor(async () => (await write(instance)) !== 503, 9_000 + boundMs)))
        violations.push(`${instance} refused writes ten seconds after identity came back`);
    }),
  );
  const backAfter = performance.now() - resumedAt;
  await agent.destroy();

  delays.sort((a, b) => a - b);
  return {
    figures: {
      revocations: next,
      services: instances.length,
      'p50 ms until refused': Math.round(delays[Math.floor(delays.length / 2)]!),
      'p99 ms until refused': Math.round(delays[Math.floor(delays.length * 0.99)]!),
      'longest ms until refused': Math.round(delays.at(-1)!),
      'streams closed': streamsClosed,
      'services that refused writes unknowing': closedDoors,
      'ms until writes were taken again': Math.round(backAfter),
    },
    violations,
  };
}
