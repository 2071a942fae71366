/**
 * Prometheus' text format: Toxiproxy's own counters under its own names, and what Ballast adds (`ballast_link_…`).
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Proxy } from './proxy.ts';
import { streams } from './toxic.ts';

type Sample = { labels: Readonly<Record<string, string>>; value: number };
type Metric = { name: string; type: 'counter' | 'gauge'; help: string; samples: readonly Sample[] };

/** All metrics of all proxies. */
export function renderMetrics(proxies: readonly Proxy[]): string {
  const now = performance.now();
  const bytes = (which: 'received' | 'sent'): Sample[] =>
    proxies.flatMap((proxy) =>
      streams.map((direction) => ({
        labels: { direction, listener: proxy.listen, proxy: proxy.name, upstream: proxy.upstream },
        value: proxy.traffic[direction][which],
      })),
    );
  const metrics: Metric[] = [
    {
      name: 'toxiproxy_proxy_received_bytes_total',
      type: 'counter',
      help: 'Bytes that came from the sender of this direction.',
      samples: bytes('received'),
    },
    {
      name: 'toxiproxy_proxy_sent_bytes_total',
      type: 'counter',
      help: 'Bytes that were passed on in this direction.',
      samples: bytes('sent'),
    },
    {
      name: 'ballast_link_connections',
      type: 'gauge',
      help: 'Connections open now. Not in Toxiproxy.',
      samples: proxies.map((proxy) => ({ labels: { proxy: proxy.name }, value: proxy.connections })),
    },
    {
      name: 'ballast_link_round_trip_seconds',
      type: 'gauge',
      help: 'Median, over the last second, from a chunk that went upstream to the first byte back. Not in Toxiproxy.',
      samples: proxies.flatMap((proxy) => {
        const median = proxy.roundTrips.median(now);
        return median === undefined ? [] : [{ labels: { proxy: proxy.name }, value: median / 1000 }];
      }),
    },
  ];
  return `${metrics.flatMap(render).join('\n')}\n`;
}

function render({ name, type, help, samples }: Metric): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(({ labels, value }) => `${name}{${renderLabels(labels)}} ${value}`),
  ];
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(',');
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
