/** What tests use of the stand-in. */
export { startVaultStandIn, type VaultStandIn, type VaultStandInOptions } from './app.ts';
export type { LeaseListing } from './own-routes.ts';
