/** The stand-in for tests and tools that run it in their own process. */
export { startToxiproxyStandIn, type ToxiproxyStandIn, type ToxiproxyStandInOptions, version } from './app.ts';
export type { ProxySettings } from './proxy.ts';
