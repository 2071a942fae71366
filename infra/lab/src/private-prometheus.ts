/** A Prometheus for one test: a free port, the targets it is told, data nobody keeps, everything gone at the end. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Component, localUrl } from './component.ts';
import { labPaths, repositoryRoot } from './paths.ts';
import { preparePrometheus, type ScrapeTarget } from './parts/prometheus.ts';
import { findFreePorts } from './ports.ts';

/** A running Prometheus at `url`. */
export type PrivatePrometheus = { url: string; stop: () => Promise<void> };

let started = 0;

/**
 * Starts it with this checkout's alert rules, scraping once a second, and waits until it is ready.
 * @throws LabProblem when it cannot be had or started.
 */
export async function startPrometheus(targets: readonly ScrapeTarget[]): Promise<PrivatePrometheus> {
  started += 1;
  // Named after this process, so that a later run of private parts clears away what a killed one has left.
  const paths = labPaths(join(repositoryRoot, '.lab', `test-${process.pid}-prometheus-${started}`));
  mkdirSync(paths.data, { recursive: true });
  const port = await findFreePorts(1);
  const spec = await preparePrometheus({
    dataDirectory: join(paths.data, 'prometheus'),
    port,
    targets,
    intervalSeconds: 1,
    onProgress: () => undefined,
  });
  const component = new Component(spec, paths.root, paths.logs, {
    onEvent: () => undefined,
    onChange: () => undefined,
  });
  const stop = async (): Promise<void> => {
    await component.stop();
    component.close();
    rmSync(paths.root, { recursive: true, force: true });
  };
  try {
    await component.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: localUrl(port), stop };
}
