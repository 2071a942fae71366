/** The stand-in as a server: Vault's HTTP around the core. Importable, so that tests run it in their own process. */
import { setTimeout as delay } from 'node:timers/promises';
import Fastify, { LogController, type FastifyInstance, type FastifyRequest } from 'fastify';
import { render, VaultError } from './answers.ts';
import { dispatch } from './dispatcher.ts';
import type { Verb } from './operation.ts';
import { type LeaseListing, listLeases, ownRoutes } from './own-routes.ts';
import { type Mode, Vault } from './vault.ts';

/** Everything the stand-in is told from outside. */
export type VaultStandInOptions = {
  /** Where its state is kept; made if missing; one process per directory. */
  dataDirectory: string;
  rootToken: string;
  /** What `sys/unseal` wants. Default: the root token. */
  unsealKey?: string;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  /** Log lines of this level and above go to standard output as JSON. Default: none. */
  logLevel?: string;
};

/** A running stand-in. */
export type VaultStandIn = {
  /** What belongs into VAULT_ADDR. */
  url: string;
  rootToken: string;
  /** Every lease there is, the oldest first. */
  leases: () => LeaseListing[];
  /** Holds all answers back for so many milliseconds from now; 0 lets them go. */
  hang: (milliseconds: number) => void;
  seal: () => void;
  unseal: () => void;
  /** How it shows itself to health checks. */
  mode: (mode: Mode) => void;
  /** Stops listening. Leases stay in the file and are ended by the next one that opens it. */
  close: () => Promise<void>;
};

const bodyLimit = 1 << 20;
const hangStep = 20;

const verbs: Readonly<Record<string, Verb>> = {
  GET: 'read',
  HEAD: 'read',
  POST: 'write',
  PUT: 'write',
  DELETE: 'delete',
};

/** Reads the state, listens, and begins to end what has expired. @throws Error when state or port cannot be had. */
export async function startVaultStandIn(options: VaultStandInOptions): Promise<VaultStandIn> {
  const server = Fastify({
    logger: options.logLevel === undefined ? false : { level: options.logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
  });
  const vault = await Vault.open({
    dataDirectory: options.dataDirectory,
    rootToken: options.rootToken,
    unsealKey: options.unsealKey ?? options.rootToken,
    warn: (details, message) => server.log.warn(details, message),
  });
  addRoutes(server, vault);
  try {
    const url = await server.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
    return {
      url,
      rootToken: options.rootToken,
      leases: () => listLeases(vault),
      hang: (milliseconds) => (vault.hangsUntil = Date.now() + milliseconds),
      seal: () => (vault.sealed = true),
      unseal: () => (vault.sealed = false),
      mode: (mode) => (vault.mode = mode),
      close: async () => {
        vault.hangsUntil = 0;
        await server.close();
        await vault.close();
      },
    };
  } catch (error) {
    await vault.close();
    throw error;
  }
}

function addRoutes(server: FastifyInstance, vault: Vault): void {
  // Vault reads JSON whatever the content type says.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? {} : JSON.parse(String(text)));
    } catch (error) {
      done(new VaultError(400, `failed to parse JSON input: ${(error as Error).message}`));
    }
  });
  server.setErrorHandler((error, _request, reply) => {
    const { status, errors } = asVaultError(error);
    if (status >= 500) server.log.error({ error }, 'a request failed');
    return reply.code(status).send({ errors });
  });
  server.setNotFoundHandler(async (_request, reply) => await reply.code(404).send({ errors: [] }));
  server.register(async (scope) => await ownRoutes(scope, vault, secretOf), { prefix: '/_stand-in' });
  server.route({
    method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    url: '/v1/*',
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      await hanging(vault);
      const { status, body } = render(await dispatch(vault, incoming(request)));
      return await reply.code(status).header('cache-control', 'no-store').send(body);
    },
  });
}

function incoming(request: FastifyRequest) {
  const { pathname, searchParams } = new URL(request.url, 'http://vault');
  const query = Object.fromEntries(searchParams);
  const verb = verbs[request.method] ?? 'read';
  return {
    path: decoded(pathname.slice('/v1/'.length)),
    // Node knows no method LIST; Vault takes this instead.
    verb: verb === 'read' && ['true', '1'].includes(query['list'] ?? '') ? ('list' as const) : verb,
    query,
    body: request.body,
    secret: secretOf(request.headers),
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path).replace(/\/+$/, '');
  } catch {
    // Percent signs that encode nothing.
    throw new VaultError(400, 'invalid path');
  }
}

function secretOf(headers: object): string | undefined {
  const given = headers as Record<string, string | string[] | undefined>;
  const own = given['x-vault-token'];
  if (typeof own === 'string') return own;
  const bearer = given['authorization'];
  return typeof bearer === 'string' && bearer.startsWith('Bearer ') ? bearer.slice('Bearer '.length) : undefined;
}

/** Waits in steps, so that ending the hang early lets everybody go. */
async function hanging(vault: Vault): Promise<void> {
  while (vault.hangsUntil > Date.now()) await delay(Math.min(hangStep, vault.hangsUntil - Date.now()));
}

function asVaultError(error: unknown): { status: number; errors: readonly string[] } {
  if (error instanceof VaultError) return error;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  // Fastify's own refusals: a body that is too large, or one that fails the schema of our own routes.
  if (statusCode !== undefined && statusCode < 500) return { status: statusCode, errors: [message ?? ''] };
  return { status: 500, errors: ['internal error'] };
}
