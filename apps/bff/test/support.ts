/** What the bff's tests share: a fresh database, a bff on a real socket, and a browser that keeps its cookie. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createDatabase, type Database } from '@ballast/postgres';
import { createLogger, createMetrics, type App } from '@ballast/service';
import { buildApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

/** A database of its own with an empty schema `bff`; `drop` removes it. Needs TEST_POSTGRES_URL (a superuser's). */
export async function freshDatabase(): Promise<{ url: string; database: Database; drop: () => Promise<void> }> {
  const adminUrl = process.env['TEST_POSTGRES_URL'];
  if (adminUrl === undefined) throw new Error('TEST_POSTGRES_URL is not set; run by infra/lab/src/with-parts.ts');
  const name = `bff_test_${randomBytes(6).toString('hex')}`;
  const admin = createDatabase({ url: adminUrl, applicationName: 'bff-test' });
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  url.searchParams.set('options', '-c search_path=bff');
  const database = createDatabase({ url: url.href, applicationName: 'bff-test' });
  await database.query('CREATE SCHEMA bff');
  return {
    url: url.href,
    database,
    drop: async () => {
      await database.close();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.close();
    },
  };
}

export const sessionSecret = 'a secret for tests that is long enough';

/** A running bff. Where an address is not given, the service is not there. */
export interface Bff {
  origin: string;
  app: App;
  /** Log lines of level warn and above. */
  complaints: Record<string, unknown>[];
  stop: () => Promise<void>;
}

/** Nothing listens on the discard port. */
const nowhere = 'http://127.0.0.1:9';

export async function startBff(environment: Record<string, string>): Promise<Bff> {
  const config = readConfig({
    PORT: '0',
    INSTANCE: 'bff-test',
    SESSION_SECRET: sessionSecret,
    IDENTITY_URL: nowhere,
    CATALOG_URLS: nowhere,
    CHECKOUT_URLS: nowhere,
    PAYMENTS_URL: nowhere,
    ...environment,
  });
  const logger = createLogger({ service: 'bff', instance: config.INSTANCE, level: 'warn' });
  const complaints: Record<string, unknown>[] = [];
  const note = (...args: unknown[]): void => void complaints.push({ fields: args[0], message: args[1] });
  logger.warn = note;
  logger.error = note;
  logger.child = () => logger as never;
  const metrics = createMetrics({ service: 'bff', instance: config.INSTANCE });
  const app = await buildApp({ config, logger, metrics });
  await app.server.listen({ host: '127.0.0.1', port: 0 });
  await app.start?.();
  const address = app.server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the bff has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    app,
    complaints,
    stop: async () => {
      app.server.startDraining();
      await app.server.close();
      await app.stop?.();
    },
  };
}

/** Keeps the session cookie and the CSRF token as a page does. */
export class Browser {
  readonly origin: string;
  cookie: string | null = null;
  csrfToken = '';
  lastSetCookie = '';

  constructor(origin: string) {
    this.origin = origin;
  }

  async fetch(path: string, options: RequestInit & { csrf?: string | null } = {}): Promise<Response> {
    const { csrf = this.csrfToken, ...init } = options;
    const headers = new Headers(init.headers);
    if (this.cookie !== null) headers.set('cookie', `other=1; ${this.cookie}`);
    if (csrf !== null && (init.method ?? 'GET') !== 'GET') headers.set('x-csrf-token', csrf);
    const response = await fetch(this.origin + path, { redirect: 'manual', ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      this.lastSetCookie = line;
      this.cookie = line.split(';')[0]!;
    }
    return response;
  }

  /** `GET /api/session`, whose token the following calls send. */
  async session(): Promise<{ user: { email: string } | null; csrfToken: string; lab?: true }> {
    const session = (await (await this.fetch('/api/session')).json()) as {
      user: { email: string } | null;
      csrfToken: string;
    };
    this.csrfToken = session.csrfToken;
    return session;
  }

  async post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return await this.fetch(path, {
      method: 'POST',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async signIn(email = 'demo@ballast.test', password = 'ballast-demo'): Promise<void> {
    await this.session();
    const response = await this.post('/api/auth/login', { email, password });
    if (response.status !== 200) throw new Error(`login: ${response.status} ${await response.text()}`);
    await this.session();
  }
}

/** Waits until `condition` holds; throws with `what` after `limitMs`. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 5_000,
): Promise<void> {
  const giveUpAt = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(10);
  }
}
