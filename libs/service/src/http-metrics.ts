/**
 * What the metrics say of HTTP requests: how many per route and status, and how long they took per kind of request. A
 * histogram per route and status would be sixteen series for each pair, and a service has 500 for everything.
 */
import { defect, faultsEnabled } from '@ballast/faults';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.ts';

/** Routes that operate a service, keep it informed, or break it on purpose: they say nothing about its speed. */
const operations = /^\/(healthz|readyz|metrics|openapi\.json|revocations)$|^(\/api)?\/(lab|chaos)(\/|$)/;
/** Routes whose answers stay open as long as somebody reads. */
const streams = /\/(events|live)$/;

/** `request` for what users wait for, `stream` for answers that stay open, `operation` for the rest. */
const kindOf = (route: string): string => {
  if (operations.test(route)) return 'operation';
  return streams.test(route) ? 'stream' : 'request';
};

/** Returns what counts a request that has been answered. */
export function createHttpMetrics(metrics: Metrics): (request: FastifyRequest, reply: FastifyReply) => void {
  const requests = metrics.counter('http_requests_total', 'Requests answered.', ['kind', 'method', 'route', 'status']);
  const duration = metrics.histogram(
    'http_request_duration_seconds',
    'Time from the request to the end of the response, in seconds.',
    ['kind'],
  );
  const countOddly = createOddSeries(metrics);
  // Finding a series by its labels costs more than counting in it. There are as many as routes and statuses.
  const known = new Map<string, { inc(): void; observe(seconds: number): void }>();
  return (request, reply) => {
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? 'none';
    const status = String(reply.statusCode);
    const seconds = reply.elapsedTime / 1_000;
    const name = `${method} ${status} ${route}`;
    let series = known.get(name);
    if (series === undefined) {
      const kind = kindOf(route);
      const [counter, histogram] = [requests.labels({ kind, method, route, status }), duration.labels({ kind })];
      series = { inc: () => counter.inc(), observe: (value) => histogram.observe(value) };
      known.set(name, series);
    }
    series.inc();
    series.observe(seconds);
    if (faultsEnabled()) countOddly(request.url, seconds);
  };
}

/**
 * The defect `service.series-per-path`: a label that takes a value for every address, so that metrics grow with what is
 * asked for. What it has left behind goes when it does.
 */
function createOddSeries(metrics: Metrics): (address: string, seconds: number) => void {
  const name = 'http_request_duration_by_address_seconds';
  let odd: ReturnType<Metrics['histogram']> | undefined;
  return (address, seconds) => {
    if (defect('service.series-per-path')) {
      odd ??= metrics.histogram(name, 'A planted defect.', ['address']);
      odd.observe({ address }, seconds);
    } else if (odd !== undefined) {
      metrics.registry.removeSingleMetric(name);
      odd = undefined;
    }
  };
}
