/** Many callers at once, straight at the replicas: on one idempotency key, and on one version of a row. */
import { randomUUIDv7 } from 'node:crypto';
import { LabKeyRace, LabRaceResult, LabVersionRace } from '@ballast/contracts';
import { problemResponses, ProblemError, type HttpServer } from '@ballast/service';
import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Instance, InstanceRequest } from '../../clients/instances.ts';
import { forwardedHeaders } from '../../clients/relay.ts';
import type { UpstreamResponse } from '../../clients/upstream.ts';
import { first, jsonOf, labTimeoutMs, rowsOf } from './asking.ts';
import type { LabParts } from './index.ts';

type Racer = Static<typeof LabRaceResult>['racers'][number];
type Sent = Pick<InstanceRequest, 'method' | 'path' | 'headers' | 'body'>;

const claimAnswer = Compile(Type.Object({ claimId: Type.String() }));
const StockRow = Type.Object({ xmin: Type.String(), on_hand: Type.Integer({ minimum: 0 }) });
const stockRow = Compile(StockRow);

export function raceRoutes(lab: HttpServer, { instances, limits }: Pick<LabParts, 'instances' | 'limits'>): void {
  const costly = { onRequest: limits.spend('expensive', { bearer: true }) };
  const response = { 200: LabRaceResult, ...problemResponses };

  lab.post('/api/lab/race/key', { ...costly, schema: { body: LabKeyRace, response } }, async (request) => {
    const { orderId, callers } = request.body;
    const replicas = instances.of('claims');
    const key = `race-${randomUUIDv7()}`;
    const path = `/lab/claims?key=${key}`;
    const before = await rowsOf(first(replicas), path, request);
    const headers = writeHeaders(request, ['idempotency-key', key]);
    const body = JSON.stringify({ orderId, reason: 'other', details: 'Everybody at once, on one key.' });
    const racers = await race(
      replicas,
      callers,
      () => ({ method: 'POST', path: '/claims', headers, body }),
      (answer) => {
        const content = jsonOf(answer);
        const replayed =
          answer.status < 400 && (answer.status === 200 || answer.headers['idempotent-replayed'] === 'true');
        return { result: claimAnswer.Check(content) ? content.claimId : null, replayed };
      },
    );
    const after = await rowsOf(first(replicas), path, request);
    return { statement: before.statement, before: before.rows, after: after.rows, racers };
  });

  lab.post('/api/lab/race/version', { ...costly, schema: { body: LabVersionRace, response } }, async (request) => {
    const { productId, writers } = request.body;
    const replicas = instances.of('catalog');
    const path = `/lab/products/${productId}/row`;
    const { rows: before, statement } = await rowsOf(first(replicas), path, request);
    const { xmin, on_hand: onHand } = stockIn(before[0]);
    // From the row, not from a cache: with a version that is old already nobody would win.
    const headers = writeHeaders(request, ['if-match', `"${xmin}"`]);
    const racers = await race(
      replicas,
      writers,
      (place) => ({
        method: 'PUT',
        path: `/products/${productId}/stock`,
        headers,
        // Near what there is, and different, so that the row shows who won.
        body: JSON.stringify({ onHand: onHand + 1 + (place % 10) }),
      }),
      (answer) => ({ result: answer.status === 200 ? (answer.headers.etag ?? null) : null }),
    );
    const { rows: after } = await rowsOf(first(replicas), path, request);
    return { statement, before, after, racers };
  });
}

/** Sends all at once, to the replicas in turn. Who gets no answer is in the result with the status of what it came to. */
function race(
  replicas: readonly Instance[],
  count: number,
  make: (place: number) => Sent,
  read: (answer: UpstreamResponse) => Pick<Racer, 'result' | 'replayed'>,
): Promise<Racer[]> {
  const run = async (place: number): Promise<Racer> => {
    const replica = replicas[place % replicas.length] ?? first(replicas);
    const startedAt = performance.now();
    const took = (): number => Math.round((performance.now() - startedAt) * 10) / 10;
    try {
      const answer = await replica.ask({ ...make(place), timeoutMs: labTimeoutMs });
      const instance = answer.headers['x-instance'];
      return {
        status: answer.status,
        instance: typeof instance === 'string' ? instance : null,
        milliseconds: took(),
        ...read(answer),
      };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return { status: error.status, instance: null, milliseconds: took(), result: null };
    }
  };
  return Promise.all(Array.from({ length: count }, (_, place) => run(place)));
}

/** Headers of a write with the operator's token; `more` are name, value pairs. */
export function writeHeaders(request: FastifyRequest, more: readonly string[]): string[] {
  return [...forwardedHeaders(request), 'content-type', 'application/json', ...more];
}

/** The ETag under which a replica serves a product now. */
export async function versionAt(replica: Instance, productId: string, request: FastifyRequest): Promise<string> {
  const headers = forwardedHeaders(request);
  const path = `/products/${productId}`;
  const answer = await replica.ask({ method: 'GET', path, headers, body: null, timeoutMs: labTimeoutMs });
  const { etag } = answer.headers;
  if (answer.status === 404) throw new ProblemError('not-found', 'There is no such product.');
  if (answer.status === 200 && etag !== undefined) return etag;
  throw new ProblemError('unavailable', `${replica.name} does not show the product.`);
}

function stockIn(row: unknown): Static<typeof StockRow> {
  if (stockRow.Check(row)) return row;
  throw new ProblemError('unavailable', 'The row has no xmin or no on_hand.');
}
