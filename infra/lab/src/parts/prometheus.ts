/**
 * Prometheus, from the machine or from Debian's package: scrapes every service and judges the alert rules. It looks at the
 * mesh and is needed by nobody, so unlike the other parts it may be missing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ComponentSpec, httpProbe, localUrl } from '../component.ts';
import { findOrInstall, type FoundProgram } from '../native-packages.ts';
import { repositoryRoot } from '../paths.ts';
import { loopback } from '../ports.ts';
import { plainEnvironment } from './part.ts';

/** One thing to scrape. `address` is `host:port`; its metrics are at `/metrics`. */
export type ScrapeTarget = { service: string; instance: string; address: string };

/** What a Prometheus is prepared from. */
export type PrometheusContext = {
  dataDirectory: string;
  port: number;
  targets: readonly ScrapeTarget[];
  /** Seconds between two scrapes; default 5, which the panels' windows and the alerts are made for. */
  intervalSeconds?: number;
  onProgress: (message: string) => void;
};

/** The alert rules of this checkout. */
const alerts = join(repositoryRoot, 'infra/prometheus/alerts.yml');

/**
 * Prometheus's configuration as JSON, which is YAML too. infra/prometheus/prometheus.yml says the same for Compose.
 * Services name themselves in `service` and `instance`; those labels are kept, so that nothing is called twice.
 */
export function prometheusConfiguration(
  targets: readonly ScrapeTarget[],
  rules: string = alerts,
  intervalSeconds: number = 5,
): string {
  const interval = `${intervalSeconds}s`;
  return JSON.stringify(
    {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: [rules],
      scrape_configs: [
        {
          job_name: 'ballast',
          honor_labels: true,
          // A service whose labels get out of hand loses its scrapes, not everybody's memory.
          sample_limit: 20_000,
          static_configs: targets.map(({ service, instance, address }) => ({
            targets: [address],
            labels: { service, instance },
          })),
        },
      ],
    },
    null,
    2,
  );
}

/** A program of Debian's package `prometheus`. @throws LabProblem when it cannot be had. */
export async function findPrometheus(
  program: 'prometheus' | 'promtool',
  address: string,
  onProgress: (message: string) => void = () => undefined,
): Promise<FoundProgram> {
  return await findOrInstall({
    part: program,
    address,
    package: 'prometheus',
    programs: [`usr/bin/${program}`, `opt/homebrew/bin/${program}`],
    variable: 'PROMETHEUS_URL',
    onPath: true,
    onProgress,
  });
}

/** Installs Prometheus where it is missing, writes its configuration and answers how to start it. */
export async function preparePrometheus(context: PrometheusContext): Promise<ComponentSpec> {
  const { dataDirectory, port, targets, intervalSeconds } = context;
  const found = await findPrometheus('prometheus', `${loopback}:${port}`, context.onProgress);
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const configuration = join(dataDirectory, 'prometheus.yml');
  writeFileSync(configuration, prometheusConfiguration(targets, alerts, intervalSeconds), { mode: 0o600 });
  return {
    name: 'prometheus',
    kind: 'part',
    port,
    address: localUrl(port),
    command: found.program,
    arguments: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(dataDirectory, 'series')}`,
      '--storage.tsdb.retention.time=2h',
      '--storage.tsdb.retention.size=256MB',
      `--web.listen-address=${loopback}:${port}`,
      '--log.level=warn',
    ],
    workingDirectory: dataDirectory,
    environment: { ...plainEnvironment(process.env), ...found.environment },
    stopSignal: 'SIGTERM',
    stopTimeout: 10_000,
    readyTimeout: 30_000,
    probe: httpProbe(`${localUrl(port)}/-/ready`),
  };
}
