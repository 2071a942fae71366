/** A floor: Fastify with one route that asks the upstream through undici's `request`, buffered, and hands the answer on. */
import fastify from 'fastify';
import { Pool } from 'undici';
import { listening } from './server.ts';

const pool = new Pool(process.env['UPSTREAM']!, { connections: 64 });
const server = fastify();
server.get('/api/products/:id', async (request, reply) => {
  const { id } = request.params as { id: string };
  const { statusCode, headers, body } = await pool.request({ method: 'GET', path: `/products/${id}` });
  const content = Buffer.from(await body.arrayBuffer());
  reply.code(statusCode);
  for (const name of ['content-type', 'etag', 'cache-control']) {
    const value = headers[name];
    if (value !== undefined) reply.header(name, value);
  }
  return reply.send(content);
});
listening(await server.listen({ port: 0, host: '127.0.0.1' }));
