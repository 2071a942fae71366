/** Prometheus metrics: one registry per service, process metrics included. */
import diagnostics from 'node:diagnostics_channel';
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
  collectDefaultMetrics({ register: registry });
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
