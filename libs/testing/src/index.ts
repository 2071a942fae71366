/** What tests share. Real parts only: their addresses come from the environment that infra/lab's with-parts sets. */
export { testDatabase, type TestDatabase } from './database.ts';
export { testBroker, type TestBroker, type TestPeer } from './broker.ts';
export { testIdentity, tokenSigner, type TestIdentity, type TokenPart, type TokenSigner } from './identity.ts';
export { recordingLogger, startApp, type LogEntry, type RunningApp } from './app.ts';
export { freePort, spawnService, type ProcessEnd, type ServiceProcess } from './process.ts';
export { until } from './until.ts';
export { partUrl } from './parts.ts';
export { genericPlan } from './plans.ts';
export { seededIntegers, seededRandom, shuffled } from './random.ts';
