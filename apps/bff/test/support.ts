/** What the bff's tests share: a bff on a real socket, and a browser that keeps its cookie. */
import { startApp, testDatabase, type RunningApp, type TestDatabase } from '@ballast/testing';
import { buildApp, type DatabaseLimits } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

/** A database of its own in which the bff has not run yet. */
export const freshDatabase = (): Promise<TestDatabase> => testDatabase({ schema: 'bff', sets: [] });

export const sessionSecret = 'a secret for tests that is long enough';

/** A running bff. */
export interface Bff extends RunningApp {
  origin: string;
}

/** Nothing listens on the discard port. */
const nowhere = 'http://127.0.0.1:9';

/** Bff and test are one process: where that is held up, limits of a second run out before an answer can be read. */
const patient: DatabaseLimits = { connectTimeoutMs: 10_000, statementTimeoutMs: 10_000, queryTimeoutMs: 10_000 };

/** Starts a bff. Where an address is not given, the service is not there. */
export async function startBff(environment: Record<string, string>, limits = patient): Promise<Bff> {
  const config = readConfig({
    PORT: '0',
    INSTANCE: 'bff-test',
    SESSION_SECRET: sessionSecret,
    IDENTITY_URL: nowhere,
    CATALOG_URLS: nowhere,
    CHECKOUT_URLS: nowhere,
    PAYMENTS_URL: nowhere,
    CLAIMS_URL: nowhere,
    ...environment,
  });
  const running = await startApp({ name: 'bff', config, build: (context) => buildApp(context, limits) });
  return { ...running, origin: running.url };
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
