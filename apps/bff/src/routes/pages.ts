/** The storefront's built pages. */
import { existsSync } from 'node:fs';
import { resolve, join } from 'node:path';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** First parts of paths that never are pages. */
const notPages = new Set(['api', 'webhooks', 'healthz', 'readyz', 'metrics', 'openapi.json']);

/** Everything a page loads comes from the shop's own origin; nothing is inline. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
    formAction: ["'self'"],
  },
};

/** Register in a scope of its own: the security headers are for pages. */
export async function pageRoutes(
  scope: HttpServer,
  options: { directory: string | undefined; https: boolean },
): Promise<void> {
  const directory = options.directory === undefined ? undefined : resolve(options.directory);
  await scope.register(helmet, {
    contentSecurityPolicy,
    strictTransportSecurity: options.https,
    xFrameOptions: { action: 'deny' },
  });
  await scope.register(fastifyStatic, {
    serve: false,
    ...(directory === undefined ? {} : { root: directory }),
    dotfiles: 'ignore',
    index: false,
    cacheControl: false,
  });

  const page = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = (request.params as { '*': string })['*'];
    if (notPages.has(path.split('/', 1)[0]!)) throw new ProblemError('not-found', 'There is nothing at this address.');
    // The front page is a page for everybody; deeper paths are only for those who ask for pages.
    const isFile = /\.[A-Za-z0-9]+$/.test(path);
    if (path !== '' && !isFile && request.headers.accept?.includes('text/html') !== true) {
      throw new ProblemError('not-found', 'There is nothing at this address.');
    }
    if (directory === undefined || !existsSync(join(directory, 'index.html'))) {
      throw new ProblemError('unavailable', 'The storefront is not built. Run: npm run build -w @ballast/storefront', {
        retryAfterSeconds: 5,
      });
    }
    if (!isFile) return reply.header('cache-control', 'no-cache').sendFile('index.html', directory);
    // Vite puts a hash of the content into the names of what it writes to assets/.
    const isHashed = path.startsWith('assets/');
    reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    return reply.sendFile(path, directory);
  };
  scope.get('/*', { schema: { hide: true } }, page);
}
