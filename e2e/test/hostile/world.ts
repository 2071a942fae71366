/** What the sweep is let loose on: a running mesh with two customers, an operator and two finished orders. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoAccounts } from '@ballast/lab';
import { until } from '@ballast/testing';
import { testMesh, type TestMesh } from '../support.ts';
import { openSigning, type Signing } from './signing.ts';
import { openForge, type Forge } from './tokens.ts';
import { bytesOf, exchange, type Reply, type Request } from './wire.ts';

/** Somebody who can sign in, with a session of each kind. */
export interface Account {
  userId: string;
  email: string;
  password: string;
  /** Issued by identity. */
  accessToken: string;
  refreshToken: string;
  /** `ballast_session=…`, signed in at the bff. */
  cookie: string;
  csrf: string;
}

/** An order that has ended, and what it was asked for with. */
export interface EndedOrder {
  orderId: string;
  idempotencyKey: string;
  /** The request, byte for byte. */
  body: string;
  amount: number;
}

export interface World {
  test: TestMesh;
  customer: Account;
  stranger: Account;
  operator: Account;
  productId: string;
  /** The product's version now, in quotes. */
  etag: string;
  stripeOrder: EndedOrder;
  paypalOrder: EndedOrder;
  forge: Forge;
  signing: Signing;
  /** Sends to a service by its name in the mesh. */
  send: (service: string, request: Request, options?: { timeoutMs?: number; bytes?: Buffer }) => Promise<Reply>;
}

/** Services whose ports are open to callers. */
export const services = ['bff', 'identity', 'catalog-1', 'checkout-1', 'payments'] as const;

const json = ['content-type', 'application/json'] as const;

/** Fills the mesh with what there is to attack. */
export async function createWorld(): Promise<World> {
  const test = await testMesh('light');
  const { urls } = test.mesh;
  const send: World['send'] = (service, request, options = {}) =>
    exchange(urls[service]!, options.bytes ?? bytesOf(request), {
      isHead: request.method === 'HEAD',
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });

  const signIn = async (credentials: { email: string; password: string }): Promise<Account> => {
    const body = JSON.stringify(credentials);
    const login = await send('identity', { method: 'POST', path: '/login', headers: [json], body });
    if (login.status !== 200) throw new Error(`login answered ${login.status}`);
    const { accessToken, refreshToken, user } = JSON.parse(login.body) as Account & { user: { userId: string } };
    const session = await openSession(send);
    const entered = await send('bff', {
      method: 'POST',
      path: '/api/auth/login',
      headers: [json, ['cookie', session.cookie], ['x-csrf-token', session.csrf]],
      body,
    });
    if (entered.status !== 200) throw new Error(`login through the bff answered ${entered.status}`);
    return {
      ...credentials,
      userId: user.userId,
      accessToken,
      refreshToken,
      ...(await openSession(send, cookieOf(entered))),
    };
  };

  const [customer, operator] = [await signIn(demoAccounts[0]!), await signIn(demoAccounts[1]!)];
  const credentials = { email: `stranger-${randomUUID()}@ballast.test`, password: 'somebody-else' };
  await send('identity', { method: 'POST', path: '/register', headers: [json], body: JSON.stringify(credentials) });
  const stranger = await signIn(credentials);

  const [product] = await test.shopper.products();
  const productId = product!.productId;
  const order = async (payment: { provider: string; method: string }): Promise<EndedOrder> => {
    const body = JSON.stringify({ lines: [{ productId, quantity: 2 }], payment });
    const idempotencyKey = randomUUID();
    const path = '/api/orders';
    const headers = [
      json,
      ['authorization', `Bearer ${customer.accessToken}`],
      ['idempotency-key', idempotencyKey],
    ] as const;
    const accepted = await send('bff', { method: 'POST', path, headers, body });
    const { orderId } = JSON.parse(accepted.body) as { orderId: string };
    const state = await test.shopper.end(orderId, 30_000);
    if (state !== 'Completed') throw new Error(`the order for the sweep ended ${state}`);
    return { orderId, idempotencyKey, body, amount: (await test.shopper.find(orderId)).total.amount };
  };
  const stripeOrder = await order({ provider: 'stripe', method: 'pm_card_visa' });
  const paypalOrder = await order({ provider: 'paypal', method: 'paypal_approve' });

  // The providers' webhooks come on their own time, and change rows when they do.
  const signing = await openSigning(test.dataDirectory, urls['payment-provider']!);
  const sent = signing.sent().length;
  await until('all webhooks delivered', async () => {
    const [row] = await test.rows<{ seen: number }>('SELECT count(*)::int AS seen FROM payments.webhook_events');
    return row!.seen >= sent && sent >= 4;
  });

  const secrets = JSON.parse(readFileSync(join(test.dataDirectory, 'secrets.json'), 'utf8')) as {
    keyEncryption: string;
  };
  const forge = await openForge({
    rows: (query) => test.rows(query),
    secret: secrets.keyEncryption,
    issuer: urls['identity']!,
    subject: customer,
  });
  const shown = await send('bff', { method: 'GET', path: `/api/products/${productId}` });
  const etag = shown.headers.get('etag')!;
  return { test, customer, stranger, operator, productId, etag, stripeOrder, paypalOrder, forge, signing, send };
}

/** The cookie an answer sets, as a browser would send it back. */
export function cookieOf(reply: Reply): string {
  const cookie = /ballast_session=[^;]+/.exec(reply.headers.get('set-cookie') ?? '')?.[0];
  if (cookie === undefined) throw new Error(`no session cookie in an answer of ${reply.status}`);
  return cookie;
}

/** The session behind a cookie, or a new one, with its CSRF token. */
export async function openSession(send: World['send'], cookie?: string): Promise<{ cookie: string; csrf: string }> {
  const headers = cookie === undefined ? [] : [['cookie', cookie] as const];
  const reply = await send('bff', { method: 'GET', path: '/api/session', headers });
  return { cookie: cookieOf(reply), csrf: (JSON.parse(reply.body) as { csrfToken: string }).csrfToken };
}
