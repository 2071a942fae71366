/**
 * Persisted sagas (process managers). A definition is a table: it drives the engine, draws the diagram and tells the
 * tests which paths to walk. A transition, the memory of its message, its log entry and the commands it sends are one
 * statement; transitions that arrive together are written together.
 * Source: Garcia-Molina and Salem, "Sagas", SIGMOD 1987.
 */
import { fileURLToPath } from 'node:url';

export { advance, begin, type Advance, type Instance, type SagaEvent, type TransitionRecord } from './advance.ts';
export {
  checkDefinition,
  diagram,
  type AnyDefinition,
  type SagaDefinition,
  type StateDefinition,
  type TransitionRule,
} from './definition.ts';
export { createSagaEngine, SagaConflict, type Decision, type EngineOptions, type SagaEngine } from './engine.ts';
export type { StartRequest } from './starter.ts';
export {
  postgresSagas,
  type Known,
  type LogLine,
  type Move,
  type SagaStore,
  type Start,
  type WithStart,
} from './store.ts';

/** The tables `sagas` and `saga_transitions`; they need those of libs/outbox beside them. */
export const sagaMigrations = { name: 'saga', directory: fileURLToPath(new URL('../migrations', import.meta.url)) };
