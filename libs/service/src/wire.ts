/**
 * The wire feed: the latest calls a service has answered, for whoever watches a lab. Requests are taken from a hook,
 * messages from the diagnostics channel `ballast:consumed`. Outside the lab nothing of it exists.
 */
import diagnostics from 'node:diagnostics_channel';
import { WirePage, type WireCall } from '@ballast/contracts';
import { faultsEnabled } from '@ballast/faults';
import { Type } from 'typebox';
import { problemResponses, type HttpServer } from './http.ts';
import { currentTraceparent } from './trace.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The latest calls; null outside the lab. */
    wire: WireRing | null;
  }
  interface FastifyRequest {
    /** The request's own `traceparent`; set in the lab only. */
    span: string;
  }
  interface FastifyContextConfig {
    /** Calls that only keep a service informed, over and over, are no news. */
    offWire?: boolean;
  }
}

/** Told by libs/messaging about each delivery. */
export interface Consumed {
  /** The message's type; null where it could not be read. */
  type: string | null;
  traceparent: string | undefined;
  handled: boolean;
  milliseconds: number;
}

/** Who only watches says so (`user-agent`), and is no news either. A caller who lies is missing in a lab's feed, no more. */
export const observerAgent = 'ballast-observer';

/** What is kept of a call: as little work as possible while it is answered; the rest is for whoever reads. */
interface Kept {
  at: number;
  method: string;
  path: string;
  status: number;
  milliseconds: number;
  span: string | undefined;
  upstreams: string;
}

const ringSize = 1_000;
const pageSize = 200;

export interface WireRing {
  add(call: Kept): void;
  /** Calls after `after`, the latest 200 of them; all there are without it, or where it comes from an earlier process. */
  read(after: number | undefined): WirePage;
}

/** A ring of the latest 1,000 calls of one service. */
export function createWireRing({ service, instance }: { service: string; instance: string }): WireRing {
  const ring: Kept[] = [];
  // Numbers grow from one process of an instance to the next, so that a reader of the last one is not mistaken.
  const first = Math.floor(Date.now() / 1_000) * 10_000;
  let added = 0;

  const show = ({ at, span, upstreams, ...call }: Kept): WireCall => ({
    at: new Date(at).toISOString(),
    service,
    instance,
    ...call,
    milliseconds: Math.round(call.milliseconds * 100) / 100,
    traceId: span === undefined || span === '' ? null : span.slice(3, 35),
    upstreams: [...new Set(upstreams.split(', '))].filter((name) => name !== '' && name !== instance),
  });

  return {
    add: (call) => {
      ring[added % ringSize] = call;
      added += 1;
    },
    read: (after) => {
      const seen = after === undefined || after < first || after > first + added ? 0 : after - first;
      const fresh = added - seen;
      const count = Math.min(fresh, pageSize);
      const items: WireCall[] = [];
      for (let index = added - count; index < added; index += 1) items.push(show(ring[index % ringSize]!));
      return { items, seq: first + added, missed: after === undefined ? 0 : fresh - count };
    },
  };
}

/** Instances that have answered a request in hand, by its `traceparent`. */
const behind = new Map<string, string>();
/** Requests in hand; more of them only means that some are shown without the instances behind them. */
const maximumBehind = 10_000;

/** Notes which instance has answered a call that the request in hand made; outside the lab it does nothing. */
export function noteUpstream(instance: unknown): void {
  if (!faultsEnabled() || typeof instance !== 'string') return;
  const span = currentTraceparent();
  if (span === undefined) return;
  const before = behind.get(span);
  if (before !== undefined) behind.set(span, `${before}, ${instance}`);
  else if (behind.size < maximumBehind) behind.set(span, instance);
}

/** Keeps the server's calls, in lab mode only. Register it after trace context is set up. */
export function recordCalls(server: HttpServer, { name, instance }: { name: string; instance: string }): void {
  if (!faultsEnabled()) {
    server.decorate('wire', null);
    return;
  }
  const ring = createWireRing({ service: name, instance });
  server.decorate('wire', ring);
  server.decorateRequest('span', '');
  server.addHook('onRequest', (request, _reply, done) => {
    request.span = currentTraceparent() ?? '';
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { span, method, routeOptions } = request;
    const noted = behind.get(span);
    if (noted !== undefined) behind.delete(span);
    const isObserver = request.headers['user-agent'] === observerAgent;
    if (!isObserver && routeOptions.schema?.hide !== true && routeOptions.config.offWire !== true) {
      const served = reply.getHeader('x-served-by');
      ring.add({
        at: Date.now(),
        method,
        path: routeOptions.url ?? 'none',
        status: reply.statusCode,
        milliseconds: reply.elapsedTime,
        span,
        upstreams: noted ?? (typeof served === 'string' ? served : ''),
      });
    }
    done();
  });

  const consumed = (event: unknown): void => {
    const { type, traceparent, handled, milliseconds } = event as Consumed;
    ring.add({
      at: Date.now(),
      method: 'AMQP',
      path: `consume ${type ?? 'unreadable'}`,
      status: handled ? 200 : 500,
      milliseconds,
      span: traceparent,
      upstreams: '',
    });
  };
  diagnostics.subscribe('ballast:consumed', consumed);
  server.addHook('onClose', async () => void diagnostics.unsubscribe('ballast:consumed', consumed));
}

const WireQuery = Type.Object({ after: Type.Optional(Type.Integer({ minimum: 0 })) }, { additionalProperties: false });

/** `GET /lab/wire`. */
export function wireRoutes(lab: HttpServer): void {
  lab.get(
    '/wire',
    { schema: { querystring: WireQuery, response: { 200: WirePage, ...problemResponses } } },
    async (request) => (lab.wire === null ? { items: [], seq: 0, missed: 0 } : lab.wire.read(request.query.after)),
  );
}
