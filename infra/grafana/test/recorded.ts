/** A mesh as Prometheus sees it: the metrics that the panels ask for, as the services write them, served over HTTP. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ScrapeTarget } from '@ballast/lab';

/** One service's metrics: name and labels, then the value and what it grows by a second. */
type Recorded = Readonly<Record<string, readonly (readonly [series: string, value: number, perSecond: number])[]>>;

const http = (service: string, instance: string): readonly (readonly [string, number, number])[] => {
  const own = `service="${service}",instance="${instance}"`;
  const bucket = (le: string, perSecond: number): readonly [string, number, number] => [
    `http_request_duration_seconds_bucket{le="${le}",kind="request",${own}}`,
    0,
    perSecond,
  ];
  return [
    [`http_requests_total{kind="request",method="GET",route="/products",status="200",${own}}`, 100, 20],
    [`http_requests_total{kind="operation",method="GET",route="/readyz",status="200",${own}}`, 50, 1],
    bucket('0.005', 12),
    bucket('0.1', 19),
    bucket('+Inf', 20),
  ];
};

/** As taken from running services, cut down to what is asked for. */
export const recorded: Recorded = {
  bff: [
    ...http('bff', 'bff'),
    [
      'http_requests_total{kind="request",method="GET",route="/products",status="503",service="bff",instance="bff"}',
      0,
      2,
    ],
    ['bff_breaker_state{upstream="catalog",service="bff",instance="bff"}', 0, 0],
    ['bff_breaker_state{upstream="claims",service="bff",instance="bff"}', 2, 0],
  ],
  catalog: [
    ...http('catalog', 'catalog-1'),
    ['outbox_rows{service="catalog",instance="catalog-1"}', 3, 0],
    ['outbox_oldest_seconds{service="catalog",instance="catalog-1"}', 0.2, 0],
    ['queue_messages{queue="catalog.commands",service="catalog",instance="catalog-1"}', 3, 0],
    [
      'messages_consumed_total{queue="catalog.commands",outcome="handled",service="catalog",instance="catalog-1"}',
      9,
      4,
    ],
    ['cache_reads_total{cache="products",answered_by="memory",service="catalog",instance="catalog-1"}', 1000, 90],
    ['cache_reads_total{cache="products",answered_by="source",service="catalog",instance="catalog-1"}', 10, 1],
  ],
  checkout: [
    ['saga_states_entered_total{saga="place-order",state="Completed",service="checkout",instance="checkout-1"}', 8, 2],
    [
      'saga_states_entered_total{saga="place-order",state="Compensated",service="checkout",instance="checkout-1"}',
      3,
      1,
    ],
  ],
  auditor: [
    ...http('auditor', 'auditor'),
    [
      'auditor_invariant_state{invariant="1",title="Stock is never negative",service="auditor",instance="auditor"}',
      0,
      0,
    ],
    ['auditor_invariant_state{invariant="2",title="Money adds up",service="auditor",instance="auditor"}', 2, 0],
  ],
  analytics: [
    ['active_connections_total{service="analytics",instance="analytics"}', 2000, 0],
    ['auth_attempts_total{service="analytics",instance="analytics"}', 2100, 10],
    ['auth_success_total{service="analytics",instance="analytics"}', 2050, 8],
    ['auth_failures_total{reason="expired",device_id="other",service="analytics",instance="analytics"}', 40, 1.5],
    ['auth_failures_total{reason="expired",device_id="device-7",service="analytics",instance="analytics"}', 2, 0],
    ['auth_failures_total{reason="bad_signature",device_id="other",service="analytics",instance="analytics"}', 8, 0.5],
  ],
};

/** The series of one service as they are `seconds` after the start. */
export function exposition(service: string, seconds: number): string {
  return (recorded[service] ?? [])
    .map(([series, value, perSecond]) => `${series} ${value + perSecond * seconds}\n`)
    .join('');
}

/** Serves each service at a port of its own, as in a mesh. */
export async function serveRecorded(): Promise<{
  targets: ScrapeTarget[];
  scrapes: () => number;
  stop: () => Promise<void>;
}> {
  const began = performance.now();
  let scrapes = 0;
  const servers = await Promise.all(
    Object.keys(recorded).map(async (service) => {
      const server = createServer((_request, response) => {
        scrapes += 1;
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
        response.end(exposition(service, (performance.now() - began) / 1000));
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      server.listen(0, '127.0.0.1', resolve);
      await promise;
      return { service, server, port: (server.address() as AddressInfo).port };
    }),
  );
  return {
    targets: servers.map(({ service, port }) => ({
      service,
      instance: service === 'catalog' ? 'catalog-1' : service,
      address: `127.0.0.1:${port}`,
    })),
    scrapes: () => scrapes,
    stop: async () => {
      await Promise.all(
        servers.map(async ({ server }) => {
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        }),
      );
    },
  };
}
