/** What every instance says of itself on `/metrics`. */
import type { Instance } from '../config.ts';
import { readExposition, sumOf, type Sample } from '../domain/exposition.ts';
import { reasonOf, type Get } from './http.ts';

/** One page, read. Times are in ms since the epoch. */
export interface Page {
  instance: Instance;
  at: number;
  /** When its process began: two pages with the same are of one life. */
  startedAt: number;
  series: number;
  samples: readonly Sample[];
}

export interface Metrics {
  /** Reads the pages of all instances, or of one service's; those that do not answer are left out, and named with the reason. */
  read(service?: string): Promise<{ pages: Page[]; silent: string[] }>;
}

/** Metrics that are looked at; the others are only counted. */
const wanted = new Set([
  'process_start_time_seconds',
  'process_open_fds',
  'process_resident_memory_bytes',
  'http_requests_total',
  'messages_consumed_total',
  'database_logins_held',
  'database_leases_not_revoked',
  'catalog_copies_subscribed',
  'active_connections_total',
  'gateway_attempts_total',
]);

const timeoutMs = 900;
const limitBytes = 2 * 1024 * 1024;

export function createMetricsReader(instances: readonly Instance[], get: Get, now: () => number): Metrics {
  /** Stand-ins and the like have no metrics, which says nothing about them. */
  const without = new Set<string>();

  const readOne = async (instance: Instance): Promise<Page | string | undefined> => {
    if (without.has(instance.name)) return undefined;
    try {
      const answer = await get(`${instance.url}/metrics`, { timeoutMs, limitBytes });
      if (answer.status === 404) {
        without.add(instance.name);
        return undefined;
      }
      if (answer.status !== 200) return `${instance.name}: it answered ${answer.status}`;
      const { series, samples } = readExposition(answer.text, wanted);
      const startedAt = (sumOf(samples, 'process_start_time_seconds') ?? 0) * 1_000;
      return { instance, at: now(), startedAt, series, samples };
    } catch (error) {
      return `${instance.name}: ${reasonOf(error)}`;
    }
  };

  return {
    read: async (service) => {
      const asked = instances.filter((instance) => service === undefined || instance.service === service);
      const answers = await Promise.all(asked.map(readOne));
      return {
        pages: answers.filter((answer) => typeof answer === 'object'),
        silent: answers.filter((answer) => typeof answer === 'string'),
      };
    },
  };
}
