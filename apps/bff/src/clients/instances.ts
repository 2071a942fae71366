/**
 * Each instance behind the bff by its own name, for the lab: asked directly, past failover, bulkhead and breaker, because an
 * operator must reach the very process that misbehaves. Connections of their own, so that calls of customers never wait.
 */
import { ProblemError } from '@ballast/service';
import { Pool } from 'undici';
import type { UpstreamResponse } from './upstream.ts';

/** What is sent to one instance. */
export interface InstanceRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  /** Name, value, name, value, … */
  headers: string[];
  body: string | null;
  /** Milliseconds until the whole answer must be there. */
  timeoutMs: number;
}

export interface Instance {
  /** The service's name where it has one origin, else `<service>-<n>`, counted from 1 in the order of the settings. */
  name: string;
  service: string;
  /** Resolves to any answer. Rejects with a `ProblemError` (503) where there is none in time. */
  ask: (request: InstanceRequest) => Promise<UpstreamResponse>;
}

export interface Instances {
  all: readonly Instance[];
  /** Throws `not-found`. */
  get(name: string): Instance;
  /** Replicas of one service, in order. */
  of(service: string): readonly Instance[];
  close(): Promise<void>;
}

const maxConnections = 100;
const connectTimeoutMs = 500;
const answerLimitBytes = 2 * 1024 * 1024;

/** One instance an origin. Connects only when asked. */
export function createInstances(origins: Record<string, readonly string[]>): Instances {
  const pools: Pool[] = [];
  const all = Object.entries(origins).flatMap(([service, list]) =>
    list.map((origin, place): Instance => {
      const pool = new Pool(origin, { connections: maxConnections, connect: { timeout: connectTimeoutMs } });
      pools.push(pool);
      const name = list.length === 1 ? service : `${service}-${place + 1}`;
      return { name, service, ask: (request) => ask(pool, name, request) };
    }),
  );
  return {
    all,
    get: (name) => {
      const found = all.find((instance) => instance.name === name);
      if (found === undefined) throw new ProblemError('not-found', 'There is no instance of this name.');
      return found;
    },
    of: (service) => all.filter((instance) => instance.service === service),
    close: async () => {
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}

async function ask(pool: Pool, name: string, request: InstanceRequest): Promise<UpstreamResponse> {
  const { method, path, headers, body, timeoutMs } = request;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await pool.request({ method, path, headers, body, signal });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > answerLimitBytes) throw new Error(`the answer is larger than ${answerLimitBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) };
  } catch (cause) {
    throw new ProblemError('unavailable', `${name} does not answer.`, { retryAfterSeconds: 1, cause });
  }
}
