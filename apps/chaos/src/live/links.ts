/** The links between processes, as Toxiproxy's API and its metrics tell of them. */
import type { BreakerState, LiveLink } from '@ballast/contracts';
import type { MeshLink } from '../state.ts';
import { createScrapeReader } from './prometheus.ts';
import { createRates } from './rates.ts';

/** What `GET /proxies` says of one proxy. */
export interface ProxyFacts {
  name: string;
  enabled: boolean;
  toxics: readonly { type: string }[];
}

/** The breaker in front of a link; null where there is none. */
export type BreakerOf = (link: MeshLink) => BreakerState | null;

const sentBytes = 'toxiproxy_proxy_sent_bytes_total';
const openConnections = 'ballast_link_connections';
const roundTrip = 'ballast_link_round_trip_seconds';

/** Identity holds the question for revoked tokens until there are some, or a second is over: that wait is not the link's. */
const holdsQuestions = new Set(['identity']);

/** Returns a reader: links of ours among the proxies, with what the metrics text, asked for at `at`, adds to them. */
export function createLinkReader(
  linkOf: (proxy: string) => MeshLink | null,
): (proxies: readonly ProxyFacts[], metrics: string, at: number, breakerOf: BreakerOf) => LiveLink[] {
  const read = createScrapeReader([sentBytes, openConnections, roundTrip]);
  const rates = createRates();

  return (proxies, metrics, at, breakerOf) => {
    const samples = read(metrics);
    const seconds = rates.look(samples, at);
    const bytes = new Map<string, number>();
    const connections = new Map<string, number>();
    const latencies = new Map<string, number>();
    for (const { series, value } of samples) {
      const proxy = series.labels['proxy'] ?? '';
      if (series.name === sentBytes) bytes.set(proxy, (bytes.get(proxy) ?? 0) + rates.growth(series));
      else if (series.name === openConnections) connections.set(proxy, value);
      else latencies.set(proxy, value * 1_000);
    }
    return proxies.flatMap(({ name, enabled, toxics }) => {
      const link = linkOf(name);
      if (link === null) return [];
      const latency = holdsQuestions.has(link.to) ? undefined : latencies.get(name);
      return {
        ...link,
        bytesPerSecond: seconds === null || seconds <= 0 ? 0 : Math.round((bytes.get(name) ?? 0) / seconds),
        connections: connections.get(name) ?? 0,
        latency: latency === undefined ? null : Math.round(latency * 10) / 10,
        breaker: breakerOf(link),
        toxics: [...(enabled ? [] : ['down']), ...new Set(toxics.map(({ type }) => type))],
      };
    });
  };
}

/** A link of which nothing is known but that it is there. */
export const unknownLink = (link: MeshLink, breakerOf: BreakerOf): LiveLink => ({
  ...link,
  bytesPerSecond: 0,
  connections: 0,
  latency: null,
  breaker: breakerOf(link),
  toxics: [],
});
