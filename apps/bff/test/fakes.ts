/** Small stand-ins for the services behind the bff, on real sockets. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tokenSigner } from '@ballast/testing';

export interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export type Answer = (request: ReceivedRequest, response: ServerResponse, raw: IncomingMessage) => void | Promise<void>;

/** An HTTP service that notes what it gets and answers as told. */
export class FakeService {
  readonly name: string;
  readonly requests: ReceivedRequest[] = [];
  readonly sockets = new Set<Socket>();
  answer: Answer;
  port = 0;
  #server: Server;

  constructor(name: string, answer: Answer = (_request, response) => json(response, 200, { from: name })) {
    this.name = name;
    this.answer = answer;
    this.#server = this.#create();
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Requests other than health probes and questions for revoked tokens. */
  get calls(): ReceivedRequest[] {
    return this.requests.filter(({ url }) => url !== '/healthz' && !url.startsWith('/revocations'));
  }

  /** Listens, on the port it had before when it had one. */
  async start(): Promise<this> {
    this.#server = this.#create();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.port = address.port;
    return this;
  }

  /** As a killed process: the port closes and every connection breaks. */
  async kill(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  #create(): Server {
    const server = createServer((raw, response) => {
      const chunks: Buffer[] = [];
      raw.on('data', (chunk: Buffer) => chunks.push(chunk));
      raw.on('end', () => {
        const request = { method: raw.method!, url: raw.url!, headers: raw.headers, body: Buffer.concat(chunks) };
        this.requests.push(request);
        response.setHeader('x-instance', this.name);
        if (request.url === '/healthz') json(response, 200, { status: 'alive' });
        else void this.answer(request, response, raw);
      });
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    });
    return server;
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
}

export function problemAnswer(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  const body = { type: `urn:ballast:problem:${code}`, title: code, status, code, detail: code, retryable: false };
  response
    .writeHead(status, { 'content-type': 'application/problem+json; charset=utf-8', ...headers })
    .end(JSON.stringify(body));
}

interface Account {
  userId: string;
  email: string;
  password: string;
  roles: string[];
}

/** Identity with real signatures and refresh families: a refresh token used twice ends its family. */
export class FakeIdentity extends FakeService {
  readonly accounts = new Map<string, Account>();
  /** Live refresh token → family. */
  readonly live = new Map<string, string>();
  readonly spent = new Map<string, string>();
  /** Whose session a family is. */
  readonly families = new Map<string, string>();
  readonly endedFamilies = new Set<string>();
  /** Ended families in order, as services ask for them. */
  readonly #revoked: string[] = [];
  readonly #waiting = new Set<() => void>();
  refreshes = 0;
  logouts = 0;
  /** Seconds an access token lives. */
  tokenSeconds = 900;
  /** Milliseconds each refresh takes. */
  refreshDelayMs = 0;
  /** No refresh is answered before it resolves. */
  refreshHeld: Promise<void> = Promise.resolve();
  /** When set, every answer but the keys is this status. */
  outage: number | null = null;
  readonly #signer = tokenSigner();

  constructor() {
    super('identity-1');
    this.add('demo@ballast.test', 'ballast-demo', ['customer']);
    this.add('operator@ballast.test', 'ballast-operator', ['customer', 'operator']);
    this.answer = (request, response) => this.#route(request, response);
  }

  add(email: string, password: string, roles: string[]): void {
    this.accounts.set(email, { userId: randomUUID(), email, password, roles });
  }

  /** An access token as identity makes them. */
  accessToken(email = 'demo@ballast.test', family: string = randomUUID()): string {
    const account = this.accounts.get(email)!;
    const now = Math.floor(Date.now() / 1000);
    return this.#signer.sign({
      iss: this.origin,
      aud: 'ballast',
      sub: account.userId,
      jti: randomUUID(),
      sid: family,
      iat: now,
      exp: now + this.tokenSeconds,
      email,
      roles: account.roles,
    });
  }

  async #route(request: ReceivedRequest, response: ServerResponse): Promise<void> {
    if (request.url === '/.well-known/jwks.json') return json(response, 200, { keys: [this.#signer.jwk] });
    if (this.outage !== null) return problemAnswer(response, this.outage, 'unavailable', { 'retry-after': '1' });
    if (request.url.startsWith('/revocations')) return this.#revocations(request.url, response);
    const body = (request.body.length === 0 ? {} : JSON.parse(request.body.toString())) as Record<string, string>;
    const account = this.accounts.get(body['email'] ?? '');
    switch (request.url) {
      case '/register':
        if (account !== undefined) return problemAnswer(response, 409, 'conflict');
        this.add(body['email']!, body['password']!, ['customer']);
        return json(response, 201, { user: this.#user(body['email']!) });
      case '/login':
        if (account?.password !== body['password']) return problemAnswer(response, 401, 'invalid-credentials');
        return json(response, 200, this.#tokens(account!.email, this.#newFamily(account!.email)));
      case '/refresh':
        return await this.#refresh(body['refreshToken']!, response);
      case '/logout':
        return this.#logout(request, response);
      default:
        return problemAnswer(response, 404, 'not-found');
    }
  }

  #logout(request: ReceivedRequest, response: ServerResponse): void {
    if (request.body.length > 0) return problemAnswer(response, 422, 'invalid-input');
    const payload = request.headers.authorization?.split('.')[1] ?? '';
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sid: string; exp: number };
    if (claims.exp * 1000 <= Date.now()) return problemAnswer(response, 401, 'invalid-token');
    this.logouts += 1;
    this.#endFamily(claims.sid);
    response.writeHead(204).end();
  }

  async #refresh(token: string, response: ServerResponse): Promise<void> {
    this.refreshes += 1;
    const family = this.live.get(token);
    this.live.delete(token);
    if (family === undefined || this.endedFamilies.has(family)) {
      this.#endFamily(this.spent.get(token) ?? '');
      return problemAnswer(response, 401, 'invalid-token');
    }
    this.spent.set(token, family);
    await new Promise((resolve) => setTimeout(resolve, this.refreshDelayMs));
    await this.refreshHeld;
    json(response, 200, this.#tokens(this.families.get(family)!, family));
  }

  #tokens(email: string, family: string): unknown {
    const refreshToken = randomUUID();
    this.live.set(refreshToken, family);
    return {
      accessToken: this.accessToken(email, family),
      refreshToken,
      expiresIn: this.tokenSeconds,
      user: this.#user(email),
    };
  }

  #newFamily(email: string): string {
    const family = randomUUID();
    this.families.set(family, email);
    return family;
  }

  #revocations(url: string, response: ServerResponse): void {
    const query = new URL(url, this.origin).searchParams;
    const after = Number(query.get('after') ?? 0);
    const tell = (): void => {
      clearTimeout(patience);
      this.#waiting.delete(tell);
      const items = this.#revoked.slice(after).map((id) => ({ id, until: Math.floor(Date.now() / 1000) + 900 }));
      json(response, 200, { items, cursor: String(this.#revoked.length), more: false });
    };
    const patience = setTimeout(tell, 1_000).unref();
    if (query.get('wait') === '1' && this.#revoked.length <= after) this.#waiting.add(tell);
    else tell();
  }

  #user(email: string): unknown {
    const { userId, roles } = this.accounts.get(email)!;
    return { userId, email, roles };
  }

  #endFamily(family: string): void {
    this.endedFamilies.add(family);
    if (this.families.has(family)) this.#revoked.push(family);
    for (const tell of this.#waiting) tell();
    for (const [token, of] of this.live) if (of === family) this.live.delete(token);
  }
}
