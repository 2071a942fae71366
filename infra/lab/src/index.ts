/** The lab as tests, the campaign and tools use it: a running mesh, private parts, a browser. */
export { type Chromium, ensureChromium } from './chromium.ts';
export { type ComponentReport, restartDelays } from './component.ts';
export { readConfig, type LabConfig } from './config.ts';
export type { ComponentKind, ComponentState, LabEvent, OnEvent } from './events.ts';
export { guarded, type Guarded } from './guarded.ts';
export { startMesh } from './mesh.ts';
export type { Mesh, MeshOptions } from './mesh-options.ts';
export { type BundledPackages, bundlePackages } from './packages/bundle.ts';
export { type PartName, partNames } from './parts/part.ts';
export type { PartChoice } from './parts/parts.ts';
export { findPrometheus, prometheusConfiguration, type ScrapeTarget } from './parts/prometheus.ts';
export { findFreePorts, isPortFree } from './ports.ts';
export { type RunningParts, startParts, type StartPartsOptions } from './private-parts.ts';
export { type PrivatePrometheus, startPrometheus } from './private-prometheus.ts';
export { LabProblem } from './problem.ts';
export { buildStorefront, storefrontIsStale } from './storefront.ts';
export {
  ballastTopology,
  demoAccounts,
  type ServiceDefinition,
  type Topology,
  type TopologyContext,
} from './topology.ts';
