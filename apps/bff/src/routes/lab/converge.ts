/** One write through one replica, and how long it takes until every replica serves it. */
import { LabConverge, LabConvergeResult } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import type { Instance } from '../../clients/instances.ts';
import type { UpstreamResponse } from '../../clients/upstream.ts';
import { first, labTimeoutMs, rowsOf } from './asking.ts';
import type { LabParts } from './index.ts';
import { versionAt, writeHeaders } from './races.ts';

/** How long replicas are watched, and the pause between looks, in ms. */
const watchMs = 2_000;
const lookEveryMs = 5;
/** Tries at the write, and the pause between them in ms: replicas may be behind each other by half a second. */
const maxTries = 4;
const retryPauseMs = 200;

export function convergeRoutes(lab: HttpServer, { instances, limits }: Pick<LabParts, 'instances' | 'limits'>): void {
  let turn = 0;
  lab.post(
    '/api/lab/converge',
    {
      onRequest: limits.spend('expensive', { bearer: true }),
      schema: { body: LabConverge, response: { 200: LabConvergeResult, ...problemResponses } },
    },
    async (request) => {
      const { productId, onHand } = request.body;
      const replicas = instances.of('catalog');
      turn += 1;
      const writer = replicas[turn % replicas.length] ?? first(replicas);
      const path = `/lab/products/${productId}/row`;
      const { rows: before, statement } = await rowsOf(writer, path, request);
      // Read everywhere first: each replica has the old version at hand when the write comes.
      const versions = await Promise.all(replicas.map((replica) => versionAt(replica, productId, request)));
      const version = await write(writer, productId, onHand, request);
      const startedAt = performance.now();
      const watched = await Promise.all(
        replicas.map(async (replica, place) => ({
          instance: replica.name,
          before: versions[place] ?? null,
          milliseconds: await untilServed(replica, productId, version, startedAt, request),
        })),
      );
      const { rows: after } = await rowsOf(writer, path, request);
      return { version, writer: writer.name, replicas: watched, statement, before, after };
    },
  );
}

/** Writes and returns the new version. Where the replica still serves an old version it is asked again, three times. */
async function write(writer: Instance, productId: string, onHand: number, request: FastifyRequest): Promise<string> {
  let answer: UpstreamResponse;
  for (let tries = 1; ; tries += 1) {
    const version = await versionAt(writer, productId, request);
    answer = await writer.ask({
      method: 'PUT',
      path: `/products/${productId}/stock`,
      headers: writeHeaders(request, ['if-match', version]),
      body: JSON.stringify({ onHand }),
      timeoutMs: labTimeoutMs,
    });
    if (answer.status === 200 && answer.headers.etag !== undefined) return answer.headers.etag;
    if (answer.status !== 412 || tries === maxTries) break;
    await new Promise((resolve) => setTimeout(resolve, retryPauseMs));
  }
  if (answer.status === 412) throw new ProblemError('version-mismatch', 'Somebody else changed it first. Try again.');
  throw new ProblemError('unavailable', `${writer.name} did not write.`, {
    cause: new Error(`${writer.name} answered ${answer.status}`),
  });
}

/** Milliseconds since `startedAt` at which the replica was first seen serving the version; null after two seconds. */
async function untilServed(
  replica: Instance,
  productId: string,
  version: string,
  startedAt: number,
  request: FastifyRequest,
): Promise<number | null> {
  for (;;) {
    const served = await versionAt(replica, productId, request);
    const elapsed = performance.now() - startedAt;
    if (served === version) return Math.round(elapsed * 10) / 10;
    if (elapsed > watchMs) return null;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
