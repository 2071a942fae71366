/** A peer: @fastify/http-proxy as its README shows it. */
import httpProxy from '@fastify/http-proxy';
import fastify from 'fastify';
import { listening } from './server.ts';

const server = fastify();
await server.register(httpProxy, {
  upstream: process.env['UPSTREAM']!,
  prefix: '/api/products',
  rewritePrefix: '/products',
  undici: { connections: 64 },
});
listening(await server.listen({ port: 0, host: '127.0.0.1' }));
