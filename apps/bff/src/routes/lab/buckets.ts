/** The caller's own buckets: looking at them, and spending from the expensive one. */
import { LabBuckets } from '@ballast/contracts';
import { problemResponses, type HttpServer } from '@ballast/service';
import { Type } from 'typebox';
import type { RateLimits } from '../../limits/rate-limit.ts';

const rule =
  'GCRA: a bucket is the time at which it will be full. A token moves that time on by 1 / rate; it is refused where the ' +
  'time would be more than burst / rate away. One script in Redis does it, by the clock of Redis, for all replicas.';

export function bucketRoutes(lab: HttpServer, limits: RateLimits): void {
  lab.get('/api/lab/buckets', { schema: { response: { 200: LabBuckets, ...problemResponses } } }, async (request) => ({
    buckets: await Promise.all(
      (['default', 'expensive'] as const).map(async (name) => {
        const { owner, limit, standing } = await limits.look(name, request);
        return { name, owner: owner.owner, ...limit, remaining: standing.remaining, store: standing.store };
      }),
    ),
    rule,
  }));

  lab.post(
    '/api/lab/buckets/expensive/spend',
    {
      onRequest: limits.spend('expensive', { bearer: true }),
      schema: { response: { 204: Type.Null(), ...problemResponses } },
    },
    async (_request, reply) => reply.code(204).send(null),
  );
}
