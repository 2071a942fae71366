/** What end-to-end tests and benchmarks use of the campaign: a mesh, a customer, a run, a verdict. */
export { judge, type LedgerLine, type Violation } from './judge.ts';
export { openMesh } from './open-mesh.ts';
export { run, verdict, type Report } from './run.ts';
export { createShopper, type Placed, type Shopper } from './shopper.ts';
export { checkRevocation } from './guarantees/revocation.ts';
export { reportLines, type ChaosReport } from './chaos/report.ts';
export { runChaos } from './chaos/run-chaos.ts';
export { openStage, type Stage } from './chaos/stage.ts';
