/** Lab routes of identity's own: the login it has on loan. */
import type { LeasedDatabase } from '@ballast/postgres';
import { credentialLabRoutes } from '@ballast/postgres/lab';
import { addLabRoutes, type HttpServer } from '@ballast/service';

/** Adds `/lab/credentials…`, in lab mode only and for operators only. */
export async function addCredentialRoutes(server: HttpServer, database: LeasedDatabase): Promise<void> {
  await addLabRoutes(server, (lab) => credentialLabRoutes(lab, database));
}
