/** What the lab's routes ask services: with the operator's own token, validated answers, and times in ms. */
import { LabRows } from '@ballast/contracts';
import { ProblemError } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import { Compile } from 'typebox/compile';
import type { Instance } from '../../clients/instances.ts';
import { forwardedHeaders } from '../../clients/relay.ts';
import type { UpstreamResponse } from '../../clients/upstream.ts';

const rowsCheck = Compile(LabRows);
/** A race of 200 on a busy machine, and a stampede, take their time. */
export const labTimeoutMs = 10_000;

/** Rows and statement that a service shows below `/lab`. Throws `unavailable` where they are not as the contract says. */
export async function rowsOf(instance: Instance, path: string, request: FastifyRequest): Promise<LabRows> {
  const headers = forwardedHeaders(request);
  const answer = await instance.ask({ method: 'GET', path, headers, body: null, timeoutMs: labTimeoutMs });
  if (answer.status === 404) throw new ProblemError('not-found', 'There is nothing of this kind.');
  const content = jsonOf(answer);
  if (answer.status === 200 && rowsCheck.Check(content)) return content;
  throw new ProblemError('unavailable', `${instance.name} does not show its rows.`, {
    cause: new Error(`${instance.name} answered ${answer.status} to ${path.split('?')[0]}`),
  });
}

/** A body as JSON; null where it is none. */
export function jsonOf({ body }: UpstreamResponse): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The first replica of a service; throws `unavailable` where the bff knows none. */
export function first(replicas: readonly Instance[]): Instance {
  const [replica] = replicas;
  if (replica === undefined) throw new ProblemError('unavailable', 'The service for this is not part of this mesh.');
  return replica;
}
