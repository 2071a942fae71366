/** What every Ballast service gets by one call: configuration, logs, health, metrics, traces, errors, shutdown. */
export { CommonConfig, ConfigError, loadConfig } from './config.ts';
export { authentication, bearerVerifier, type Access, type Principal, type TokenVerifier } from './auth.ts';
export {
  createHttpServer,
  followRevocations,
  problemResponses,
  type HttpServer,
  type HttpServerOptions,
} from './http.ts';
export { createLogger, type Logger } from './logger.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { problem, ProblemError, type ProblemCode } from './problem.ts';
export { addLabRoutes, commonLabRoutes } from './lab.ts';
export { readinessCheck, type ReadinessCheck } from './health.ts';
export { createReporter, type Report } from './reporter.ts';
export {
  createRevocationView,
  staleAfterMs,
  type RevocationSource,
  type RevocationView,
  type TokenOwner,
} from './revocation.ts';
export { runService, type App, type BuildContext } from './run.ts';
export { noteUpstream, observerAgent } from './wire.ts';
export { currentTraceparent, outgoingTraceparent, runInTrace } from './trace.ts';
