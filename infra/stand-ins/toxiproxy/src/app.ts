/** The stand-in as a server: Toxiproxy's HTTP API. Importable, so that tests run it in their own process. */
import Fastify, { LogController, type FastifyInstance } from 'fastify';
import { ApiError, badRequest } from './errors.ts';
import { renderMetrics } from './metrics.ts';
import { Proxies } from './proxies.ts';
import type { Proxy, ProxySettings } from './proxy.ts';
import { readProxies, readProxy, readProxyChange, readToxic, readToxicChange } from './schemas.ts';

/** The API it speaks, and that it is a stand-in. */
export const version = '2.12.0-ballast-stand-in';

/** Everything the stand-in is told from outside. */
export type ToxiproxyStandInOptions = {
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0: any free one. */
  port?: number;
  /** Proxies that are there from the start. */
  proxies?: readonly ProxySettings[];
  /** Log lines of this level and above go to standard output as JSON. Default: none. */
  logLevel?: string;
};

/** A running stand-in. */
export type ToxiproxyStandIn = {
  /** Of the API. */
  url: string;
  proxy: (name: string) => Proxy;
  /** Ends the API, every proxy and every connection. */
  close: () => Promise<void>;
};

const bodyLimit = 1 << 20;

/** Listens on the ports of the proxies given, then on its own. @throws Error that names the port that cannot be had. */
export async function startToxiproxyStandIn(options: ToxiproxyStandInOptions = {}): Promise<ToxiproxyStandIn> {
  const server = Fastify({
    logger: options.logLevel === undefined ? false : { level: options.logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000 },
  });
  // At debug: a link that is being hurt breaks often, and on purpose.
  const proxies = new Proxies((trouble) => server.log.debug(trouble, 'a connection broke'));
  addRoutes(server, proxies);
  try {
    await proxies.populate(options.proxies ?? []);
    const url = await server.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
    return {
      url,
      proxy: (name) => proxies.get(name),
      close: async () => {
        await server.close();
        await proxies.close();
      },
    };
  } catch (error) {
    await proxies.close();
    throw error;
  }
}

type ProxyPath = { Params: { proxy: string } };
type ToxicPath = { Params: { proxy: string; toxic: string } };

function addRoutes(server: FastifyInstance, proxies: Proxies): void {
  // Toxiproxy reads JSON whatever the content type says.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(String(text)));
    } catch (error) {
      done(badRequest((error as Error).message));
    }
  });
  server.addHook('onRequest', async (request) => {
    // As the real one: no page that a browser shows may reach it.
    if (request.headers['user-agent']?.startsWith('Mozilla/') === true) {
      throw new ApiError(403, 'User agent not allowed');
    }
  });
  server.setErrorHandler((error, _request, reply) => {
    const answer = asApiError(error);
    if (answer.status >= 500) server.log.error({ error }, 'a request failed');
    return reply.code(answer.status).send(answer.body);
  });
  server.setNotFoundHandler(
    async (_request, reply) => await reply.code(404).send(new ApiError(404, '404 page not found').body),
  );

  server.get('/version', () => ({ version }));
  server.get('/metrics', async (_request, reply) => {
    return await reply.type('text/plain; version=0.0.4; charset=utf-8').send(renderMetrics(proxies.all()));
  });
  server.post('/reset', async (_request, reply) => {
    await proxies.reset();
    return await reply.code(204).send();
  });
  server.post('/populate', async (request, reply) => {
    const made = await proxies.populate(readProxies(request.body));
    return await reply.code(201).send({ proxies: made.map((proxy) => proxy.describe()) });
  });

  server.get('/proxies', () => Object.fromEntries(proxies.all().map((proxy) => [proxy.name, proxy.describe()])));
  server.post('/proxies', async (request, reply) => {
    const proxy = await proxies.create(readProxy(request.body));
    return await reply.code(201).send(proxy.describe());
  });
  server.get<ProxyPath>('/proxies/:proxy', ({ params }) => proxies.get(params.proxy).describe());
  server.route<ProxyPath>({
    method: ['POST', 'PATCH'],
    url: '/proxies/:proxy',
    handler: async ({ params, body }) => {
      const proxy = await proxies.update(params.proxy, (now) => readProxyChange(body, now.describe()));
      return proxy.describe();
    },
  });
  server.delete<ProxyPath>('/proxies/:proxy', async ({ params }, reply) => {
    await proxies.remove(params.proxy);
    return await reply.code(204).send();
  });

  server.get<ProxyPath>('/proxies/:proxy/toxics', ({ params }) => proxies.get(params.proxy).toxics);
  server.post<ProxyPath>('/proxies/:proxy/toxics', ({ params, body }) => {
    const proxy = proxies.get(params.proxy);
    const toxic = readToxic(body);
    proxy.addToxic(toxic);
    return toxic;
  });
  server.get<ToxicPath>('/proxies/:proxy/toxics/:toxic', ({ params }) => proxies.get(params.proxy).toxic(params.toxic));
  server.route<ToxicPath>({
    method: ['POST', 'PATCH'],
    url: '/proxies/:proxy/toxics/:toxic',
    handler: ({ params, body }) => {
      const proxy = proxies.get(params.proxy);
      const toxic = proxy.toxic(params.toxic);
      const { attributes, toxicity } = readToxicChange(body, toxic);
      proxy.updateToxic(toxic, attributes, toxicity);
      return toxic;
    },
  });
  server.delete<ToxicPath>('/proxies/:proxy/toxics/:toxic', async ({ params }, reply) => {
    const proxy = proxies.get(params.proxy);
    proxy.removeToxic(proxy.toxic(params.toxic));
    return await reply.code(204).send();
  });
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { statusCode, message } = error as { statusCode?: number; message?: string };
  // Fastify's own refusals, such as a body that is too large.
  if (statusCode !== undefined && statusCode < 500) return new ApiError(statusCode, message ?? '');
  return new ApiError(500, 'internal error');
}
