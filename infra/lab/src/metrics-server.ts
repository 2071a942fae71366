/**
 * The metrics server beside a mesh: whose Prometheus is used, and what it scrapes. Nobody waits for it, and a mesh without
 * one is whole.
 */
import { join } from 'node:path';
import { type Component, type ComponentSpec, localUrl } from './component.ts';
import type { OnEvent } from './events.ts';
import { labPaths } from './paths.ts';
import { preparePrometheus, type ScrapeTarget } from './parts/prometheus.ts';
import { telling } from './parts/outside.ts';
import { withoutSecrets } from './parts/parts.ts';
import { accepts, loopback } from './ports.ts';
import { describe, LabProblem } from './problem.ts';
import type { ServiceDefinition, TopologyContext } from './topology.ts';

/** Where Prometheus is, and whether it is the lab's own; `port` is set where it is. */
export type MetricsPlan = { url: string; port?: number };

/** Port of the lab's Prometheus, as an offset. */
export const prometheusOffset = 90;
const reachTimeout = 5000;

/** What the metrics server is called among the URLs a person may open. */
export const metricsPage = 'metrics (Prometheus)';

/** PROMETHEUS_URL names another one to use, except where native parts are asked for. */
export function planMetrics({ portBase, parts, environment }: TopologyContext): MetricsPlan {
  const given = environment['PROMETHEUS_URL'] ?? '';
  if (given !== '' && parts !== 'native') return { url: given };
  const port = portBase + prometheusOffset;
  return { url: localUrl(port), port };
}

/** Where a person opens it: without the password that services may need. */
export function pageOf({ url }: MetricsPlan): string {
  const parsed = URL.parse(url);
  if (parsed === null || `${parsed.username}${parsed.password}` === '') return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

/** What a metrics server needs of the mesh it looks at. */
export type MetricsOptions = {
  /** Without one nothing is started. */
  plan: MetricsPlan | undefined;
  services: readonly ServiceDefinition[];
  dataDirectory: string;
  onEvent: OnEvent;
  /** Makes it one of the mesh's components. */
  add: (spec: ComponentSpec) => Component;
  /** Forgets that component, which could not be started. */
  remove: () => void;
  isStopping: () => boolean;
};

/** The metrics server of one mesh. */
export class MetricsServer {
  readonly #options: MetricsOptions;
  #missing = false;
  /** Settles when it is ready or given up. Never rejects. */
  begun: Promise<void> = Promise.resolve();

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#missing = options.plan === undefined;
  }

  /** The port it listens on, where it is the lab's own. */
  get port(): number | undefined {
    return this.#options.plan?.port;
  }

  /** Starts it once `parts` are there, whose packages come first. */
  begin(parts: readonly Promise<void>[]): void {
    this.begun = this.#start(parts);
  }

  /** What a person may open, without it where there is none. */
  pages(urls: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(urls).filter(([name]) => !this.#missing || name !== metricsPage));
  }

  async #start(parts: readonly Promise<void>[]): Promise<void> {
    const { plan, isStopping, onEvent, remove } = this.#options;
    await Promise.allSettled(parts);
    if (plan === undefined || isStopping()) return;
    try {
      await (plan.port === undefined ? this.#useOther(plan.url) : this.#startOwn(plan.port));
    } catch (error) {
      if (isStopping()) return;
      this.#missing = true;
      onEvent({ type: 'log', component: 'prometheus', level: 'warn', message: withoutMetrics(error) });
      remove();
    }
  }

  async #useOther(url: string): Promise<void> {
    const address = `${withoutSecrets(url)} (external)`;
    const other = { component: 'prometheus', kind: 'part', address } as const;
    await telling(this.#options.onEvent, other, async () => await reach(url));
  }

  async #startOwn(port: number): Promise<void> {
    const { services, dataDirectory, onEvent, add, isStopping } = this.#options;
    const spec = await preparePrometheus({
      dataDirectory: join(labPaths(dataDirectory).data, 'prometheus'),
      port,
      targets: targetsOf(services),
      onProgress: (message) => onEvent({ type: 'progress', component: 'prometheus', message }),
    });
    if (!isStopping()) await add(spec).start();
  }
}

function withoutMetrics(error: unknown): string {
  return `${describe(error).replace(/\.$/, '')}. The mesh runs without a metrics server.`;
}

/** Every service that is ours, by the names it gives itself. */
export function targetsOf(services: readonly ServiceDefinition[]): ScrapeTarget[] {
  return services.flatMap(({ kind, name, entry, port }) => {
    const service = /^apps\/([^/]+)\//.exec(entry)?.[1];
    return kind === 'service' && service !== undefined
      ? [{ service, instance: name, address: `${loopback}:${port}` }]
      : [];
  });
}

async function reach(given: string): Promise<void> {
  const url = URL.parse(given);
  const port = url === null ? 0 : Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  if (url !== null && (await accepts(url.hostname, port, reachTimeout))) return;
  throw new LabProblem(
    'prometheus',
    `prometheus at ${withoutSecrets(given)} did not accept a connection within 5 s; start it there, correct PROMETHEUS_URL, or unset it to have the lab start its own.`,
  );
}
