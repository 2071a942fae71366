/** What tests share. Real parts only: their addresses come from the environment that infra/lab's with-parts sets. */
export { testDatabase, type TestDatabase } from './database.ts';
export { testBroker, type TestBroker } from './broker.ts';
export { testIdentity, type TestIdentity } from './identity.ts';
export { until } from './until.ts';
export { partUrl } from './parts.ts';
export { seededRandom, shuffled } from './random.ts';
