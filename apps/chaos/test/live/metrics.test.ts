/** From Prometheus' text to what a node and a link show. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { linkOf } from '../../src/clients/toxiproxy.ts';
import { createFigures, noFigures } from '../../src/live/figures.ts';
import { createLinkReader, unknownLink } from '../../src/live/links.ts';
import { createScrapeReader } from '../../src/live/prometheus.ts';
import { createRates, quantile } from '../../src/live/rates.ts';

describe('a scrape', () => {
  it('is read line by line: name, labels, value; comments and metrics nobody asked for are left out', () => {
    const read = createScrapeReader(['up', 'calls_total']);
    const text = [
      '# HELP up Whether it is up.',
      '# TYPE up gauge',
      'up 1',
      'upper 2',
      'calls_total{route="/a/:id",status="200"} 17',
      'calls_total{route="say \\"{hi}\\" \\\\ \\n",} 2.5e3 1700000000000',
      'other{a="b"} 3',
      'calls_total{route="/inf"} +Inf',
      'calls_total{route="/nan"} NaN',
      'calls_total{route="/broken"} twelve',
      'calls_total',
      '',
    ].join('\n');
    assert.deepEqual(
      read(text).map(({ series: { name, labels }, value }) => [name, { ...labels }, value]),
      [
        ['up', {}, 1],
        ['calls_total', { route: '/a/:id', status: '200' }, 17],
        ['calls_total', { route: 'say "{hi}" \\ \n' }, 2500],
        ['calls_total', { route: '/inf' }, Number.POSITIVE_INFINITY],
        ['calls_total', { route: '/nan' }, Number.NaN],
      ],
    );
  });

  it('gives the same series as the same object each time, also without a line end', () => {
    const read = createScrapeReader(['up']);
    assert.equal(read('up{a="b"} 1\n')[0]!.series, read('up{a="b"} 2')[0]!.series);
    assert.notEqual(read('up{a="b"} 1')[0]!.series, read('up{a="c"} 1')[0]!.series);
  });
});

describe('counters', () => {
  it('are looked at twice: what they have grown by, and all of it after a new start', () => {
    const rates = createRates();
    const [one, two] = ['one', 'two'].map((name) => ({ name, labels: {} }));
    assert.equal(rates.look([{ series: one!, value: 100 }], 5_000), null);
    assert.equal(
      rates.look(
        [
          { series: one!, value: 130 },
          { series: two!, value: 7 },
        ],
        7_000,
      ),
      2,
    );
    assert.deepEqual([rates.growth(one!), rates.growth(two!)], [30, 7]);
    rates.look([{ series: one!, value: 4 }], 8_000);
    assert.deepEqual([rates.growth(one!), rates.growth(two!)], [4, 0]);
  });

  it('of a histogram give quantiles, even within a bucket, and no more than the last bound', () => {
    const buckets = new Map([
      [0.25, 10],
      [0.75, 90],
      [1, 100],
      [Number.POSITIVE_INFINITY, 100],
    ]);
    assert.equal(quantile(buckets, 0.05), 0.125);
    assert.equal(quantile(buckets, 0.5), 0.5);
    assert.equal(quantile(buckets, 0.95), 0.875);
    assert.equal(
      quantile(
        new Map([
          [1, 0],
          [Number.POSITIVE_INFINITY, 3],
        ]),
        0.5,
      ),
      1,
    );
    assert.equal(quantile(new Map([[1, 0]]), 0.5), null);
    assert.equal(quantile(new Map(), 0.5), null);
  });
});

/** A service's metrics after so many requests to its routes: within 10 ms, and within 100 ms, of which so many failed. */
function scrape(quick: number, slow: number, failed: number, more: readonly string[] = []): string {
  const own = 'service="bff",instance="bff"';
  const requests = (kind: string, route: string, status: number, all: number): string =>
    `http_requests_total{kind="${kind}",method="GET",route="${route}",status="${status}",${own}} ${all}`;
  const durations = (kind: string, within10: number, all: number): string[] => [
    `http_request_duration_seconds_bucket{le="0.01",kind="${kind}",${own}} ${within10}`,
    `http_request_duration_seconds_bucket{le="0.1",kind="${kind}",${own}} ${all}`,
    `http_request_duration_seconds_bucket{le="+Inf",kind="${kind}",${own}} ${all}`,
    `http_request_duration_seconds_sum{kind="${kind}",${own}} 1`,
    `http_request_duration_seconds_count{kind="${kind}",${own}} ${all}`,
  ];
  // Without a tenth of these nobody would know how fast it really is.
  const aside = 1_000 * (quick + 1);
  return [
    requests('request', '/api/products', 200, quick + slow),
    requests('request', '/api/orders', 503, failed),
    requests('operation', '/healthz', 200, aside),
    requests('stream', '/orders/:id/events', 200, aside),
    ...durations('request', quick + failed, quick + slow + failed),
    ...durations('operation', 0, aside),
    ...durations('stream', 0, aside),
    ...more,
  ].join('\n');
}

describe('the figures of a service', () => {
  it('are what it has answered since the look before, in a second; operation, lab and streams aside', () => {
    const figures = createFigures();
    assert.deepEqual(figures(scrape(100, 0, 0), 10_000), noFigures);
    const { requests, errors, p50, p95 } = figures(scrape(180, 20, 10), 12_000);
    assert.deepEqual({ requests, errors, p50, p95 }, { requests: 55, errors: 5, p50: 6.1, p95: 75.3 });
  });

  it('are none where nothing was asked, and begin anew with a new process', () => {
    const figures = createFigures();
    figures(scrape(100, 0, 0), 0);
    const quiet = figures(scrape(100, 0, 0), 1_000);
    assert.deepEqual([quiet.requests, quiet.errors, quiet.p50, quiet.p95], [0, 0, null, null]);
    assert.equal(figures(scrape(8, 2, 0), 2_000).requests, 10);
  });

  it('have its age, its memory, its outbox and its breakers', () => {
    const started = Date.now() / 1_000 - 90;
    const figures = createFigures()(
      scrape(0, 0, 0, [
        `process_start_time_seconds{service="bff"} ${started}`,
        'process_resident_memory_bytes{service="bff"} 123456789',
        'outbox_rows{service="bff"} 12',
        'bff_breaker_state{upstream="catalog",service="bff"} 0',
        'bff_breaker_state{upstream="checkout",service="bff"} 2',
        'bff_breaker_state{upstream="claims",service="bff"} 1',
      ]),
      0,
    );
    assert.ok(Math.abs(figures.uptime! - 90) <= 1);
    assert.equal(figures.memoryMegabytes, 123.5);
    assert.equal(figures.outbox, 12);
    assert.deepEqual(Object.fromEntries(figures.breakers), {
      catalog: 'closed',
      checkout: 'open',
      claims: 'half-open',
    });
  });

  it('do not take an outbox that cannot be counted for an empty one', () => {
    assert.equal(createFigures()('outbox_rows{service="claims"} NaN', 0).outbox, null);
  });
});

describe('the links', () => {
  const metrics = (bytes: number): string =>
    [
      `toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="l",proxy="bff.catalog-1",upstream="u"} ${bytes}`,
      `toxiproxy_proxy_sent_bytes_total{direction="downstream",listener="l",proxy="bff.catalog-1",upstream="u"} ${3 * bytes}`,
      `toxiproxy_proxy_received_bytes_total{direction="upstream",listener="l",proxy="bff.catalog-1",upstream="u"} 99999`,
      'ballast_link_connections{proxy="bff.catalog-1"} 7',
      'ballast_link_round_trip_seconds{proxy="bff.catalog-1"} 0.00234',
    ].join('\n');
  const proxies = [
    { name: 'bff.catalog-1', enabled: true, toxics: [{ type: 'latency' }, { type: 'drop' }, { type: 'latency' }] },
    { name: 'checkout-1.rabbitmq', enabled: false, toxics: [] },
    { name: 'of-somebody-else', enabled: true, toxics: [] },
  ];

  it('have bytes both ways in a second, connections, latency, toxics and the breaker in front of them', () => {
    const read = createLinkReader(linkOf);
    const breakerOf = ({ from }: { from: string }) => (from === 'bff' ? ('open' as const) : null);
    const catalog = { from: 'bff', to: 'catalog-1', connections: 7, latency: 2.3, breaker: 'open' };
    const broker = { from: 'checkout-1', to: 'rabbitmq', connections: 0, latency: null, breaker: null };
    const toxics = { catalog: ['latency', 'drop'], broker: ['down'] };
    assert.deepEqual(read(proxies, metrics(1_000), 0, breakerOf), [
      { ...catalog, bytesPerSecond: 0, toxics: toxics.catalog },
      { ...broker, bytesPerSecond: 0, toxics: toxics.broker },
    ]);
    assert.deepEqual(read(proxies, metrics(1_500), 500, breakerOf)[0], {
      ...catalog,
      bytesPerSecond: 4_000,
      toxics: toxics.catalog,
    });
  });

  it('are still there while Toxiproxy cannot be asked', () => {
    assert.deepEqual(
      unknownLink({ from: 'bff', to: 'catalog-1' }, () => 'closed'),
      {
        from: 'bff',
        to: 'catalog-1',
        bytesPerSecond: 0,
        connections: 0,
        latency: null,
        breaker: 'closed',
        toxics: [],
      },
    );
  });
});
