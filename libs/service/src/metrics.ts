/** Prometheus metrics: one registry per service, process metrics included. */
import diagnostics from 'node:diagnostics_channel';
import { readdirSync, statSync } from 'node:fs';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

export interface Metrics {
  registry: Registry;
  counter(name: string, help: string, labels?: readonly string[]): Counter<string>;
  /** `collect` is called at each scrape and sets the gauge. */
  gauge(
    name: string,
    help: string,
    labels?: readonly string[],
    collect?: (gauge: Gauge<string>) => Promise<void> | void,
  ): Gauge<string>;
  /** `buckets` in the metric's own unit; seconds by convention. */
  histogram(name: string, help: string, labels?: readonly string[], buckets?: number[]): Histogram<string>;
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A registry whose series all carry `service` and `instance`. */
export function createMetrics(options: { service: string; instance: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service: options.service, instance: options.instance });
  // Ten looks at the event loop a second, and a hundred timers, are what an idle process would mostly do.
  collectDefaultMetrics({ register: registry, eventLoopUtilizationTimeout: 1_000, eventLoopMonitoringPrecision: 50 });
  replaceCostly(registry);
  countEvents(registry);
  const common = (name: string, help: string, labels: readonly string[] = []) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    registry,
    counter: (name, help, labels) => new Counter(common(name, help, labels)),
    gauge: (name, help, labels, collect) =>
      new Gauge({
        ...common(name, help, labels),
        ...(collect === undefined
          ? {}
          : {
              collect(this: Gauge<string>) {
                return collect(this);
              },
            }),
      }),
    histogram: (name, help, labels, buckets = secondsBuckets) =>
      new Histogram({ ...common(name, help, labels), buckets }),
  };
}

/**
 * Looks at all that is open, at every scrape: with twenty thousand sockets the event loop would stand still for 35 ms each
 * time. Nobody draws or judges them.
 */
const costly = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
];
const openFiles = 'process_open_fds';

function replaceCostly(registry: Registry): void {
  for (const name of costly) registry.removeSingleMetric(name);
  if (registry.getSingleMetric(openFiles) === undefined) return;
  registry.removeSingleMetric(openFiles);
  const gauge = new Gauge({
    name: openFiles,
    help: 'Number of open file descriptors.',
    registers: [],
    collect() {
      // Since Linux 6.2 the folder's size is their number; older ones say 0.
      const { size } = statSync('/proc/self/fd');
      this.set(size > 0 ? size : readdirSync('/proc/self/fd').length);
    },
  });
  registry.registerMetric(gauge);
}

/** What libraries tell on `ballast:count`, so that none of them needs to know of metrics. */
interface CountEvent {
  /** Name of the counter. */
  name: string;
  /** Always the same keys for one name. */
  labels: Record<string, string>;
}

function countEvents(registry: Registry): void {
  const counters = new Map<string, Counter<string>>();
  diagnostics.channel('ballast:count').subscribe((event) => {
    const { name, labels } = event as CountEvent;
    let counter = counters.get(name);
    if (counter === undefined) {
      counter = new Counter({
        name,
        help: 'Told by a library on the diagnostics channel ballast:count.',
        labelNames: Object.keys(labels),
        registers: [registry],
      });
      counters.set(name, counter);
    }
    counter.inc(labels);
  });
}
